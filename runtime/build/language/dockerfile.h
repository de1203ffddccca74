// SPDX-License-Identifier: Apache-2.0
// A Dockerfile as a list of instructions: directives, comments, continued lines, here-documents, flags and JSON forms
// are resolved; variables are not. Pure. The language is that of docs.docker.com/reference/dockerfile.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/build/language/source_text.h"

namespace mete::runtime::build {

inline constexpr std::size_t kMostDockerfile = 4U << 20U;  // bytes

struct Heredoc {
  std::string name;
  bool expand = true;  // the name was not quoted: variables are replaced
  std::string content;
  bool operator==(const Heredoc&) const = default;
};

struct Flag {
  std::string name;                  // "chown", without dashes
  std::optional<std::string> value;  // of --name=value
  bool operator==(const Flag&) const = default;
};

struct Instruction {
  std::string keyword;  // upper case
  std::size_t line = 0;
  std::vector<Flag> flags;
  std::string rest;                              // after keyword and flags, continued lines joined
  std::optional<std::vector<std::string>> json;  // `rest` is a JSON list of strings
  std::vector<Heredoc> heredocs;
  [[nodiscard]] std::string text() const;  // as one line, for messages and the history
  bool operator==(const Instruction&) const = default;
};

struct Dockerfile {
  SourceText source;
  char escape = '\\';
  std::string syntax;  // of the directive; said and not acted on
  std::vector<Instruction> instructions;
};

// Errors name file and line and show the place.
[[nodiscard]] Result<Dockerfile> parse_dockerfile(const std::string& name, std::string_view text);

// One instruction without here-documents: what ONBUILD or --change holds. `line` is for errors.
[[nodiscard]] Result<Instruction> parse_instruction(const SourceText& source, std::size_t line, std::string_view text,
                                                    char escape);

// The JSON list of strings that `text` begins with; nothing when it begins with none. What follows the list is not
// looked at, as in docker and buildah. The error: a list that has something else than strings.
[[nodiscard]] Result<std::optional<std::vector<std::string>>> json_list(std::string_view text);

}  // namespace mete::runtime::build
