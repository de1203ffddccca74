// SPDX-License-Identifier: Apache-2.0
// The words of a COPY or ADD in a Dockerfile. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/dockerfile.h"
#include "runtime/build/language/words.h"

namespace mete::runtime::build {

struct CopyWords {
  std::vector<std::string> sources;
  std::vector<Heredoc> documents;  // variables replaced
  std::string target;
  std::vector<std::string> exclude;
  std::string owner;  // of --chown; empty: none
  std::string mode;   // of --chmod; empty: none
  std::string checksum;
  bool link = false;
  [[nodiscard]] std::string text(const std::string& keyword) const;  // for the history
};
[[nodiscard]] Result<CopyWords> copy_words(const Instruction& at, const Lookup& lookup, char escape);

// "755", "0644". Error: anything else.
[[nodiscard]] Result<std::uint32_t> file_mode(const std::string& text);
// True: ADD fetches it.
[[nodiscard]] bool is_url(const std::string& source);

}  // namespace mete::runtime::build
