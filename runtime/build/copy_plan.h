// SPDX-License-Identifier: Apache-2.0
// From a COPY or ADD in a Dockerfile to what is copied.
#pragma once

#include "runtime/build/copy_step.h"
#include "runtime/build/language/dockerfile.h"
#include "runtime/build/language/words.h"
#include "runtime/build/stage_state.h"

namespace mete::runtime::build {

// The words of the instruction. Pure.
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

// Looks the sources up in `tree` and fetches URLs into the workspace. `passwd` and `group` are the image's.
struct NameFiles {
  std::string passwd;
  std::string group;
};
[[nodiscard]] Result<CopyStep> plan_copy(const Instruction& at, const CopyWords& words, const StageState& state,
                                         const SourceTree& tree, BuildContext& context);

// The image's /etc/passwd and /etc/group; "" where it has none.
[[nodiscard]] Result<NameFiles> name_files(const StageState& state, const image::Store& store);

}  // namespace mete::runtime::build
