// SPDX-License-Identifier: Apache-2.0
// The inside of {{ and }} as tokens. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::agent::cli::templates {

struct Token {
  enum class Kind { kField, kVariable, kText, kNumber, kWord, kOpen, kClose, kPipe, kComma, kAssign };
  Kind kind = Kind::kWord;
  std::string text;               // of a word, a variable (with its $), a number; what a quoted text means
  std::vector<std::string> path;  // the fields of .A.B, of $x.A.B, and of ).A.B
};

[[nodiscard]] Result<std::vector<Token>> read_tokens(std::string_view inside);

}  // namespace mete::agent::cli::templates
