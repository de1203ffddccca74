// SPDX-License-Identifier: Apache-2.0
// The manifests that a command is given: files, folders, standard input.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "config/model/documents.h"

namespace mete::agent::cli {

struct ManifestText {
  std::string name;
  std::string text;
};

// "-" is standard input; a directory stands for the manifests in it.
[[nodiscard]] Result<std::vector<ManifestText>> read_sources(const std::vector<std::string>& files);

// A line for each on standard error.
void say(const std::vector<config::Diagnostic>& diagnostics, const char* prefix);

inline constexpr const char* kJoined = "<joined>";

// Several files are sent to the agent as one text, so that either all of it is applied or nothing.
struct Joined {
  std::string text;
  std::vector<std::pair<int, std::string>> starts;  // first line of each file, and its name

  // "<joined>:LINE:..." in an error -> "FILE:LINE:..."
  [[nodiscard]] std::string reword(const std::string& error) const;
};

// Checks everything locally first, so that errors in the manifests are reported without an agent. Empty: they have been
// printed, and `code` is the exit code.
[[nodiscard]] std::optional<Joined> checked_text(const std::vector<std::string>& files, int& code);

}  // namespace mete::agent::cli
