// SPDX-License-Identifier: Apache-2.0
// Variables, quotes and escapes in the arguments of instructions: $NAME, ${NAME}, ${NAME:-word}, ${NAME:+word},
// ${NAME:?word} (each also without the colon: set, but may be empty), ${NAME#pattern}, ##, %, %%, ${NAME/pattern/word},
// and //. In patterns '*' and '?' are special. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::build {

// The value of a variable; nothing: it is not set, and stands for "".
using Lookup = std::function<std::optional<std::string>(const std::string&)>;

inline constexpr std::size_t kMostExpanded = 1U << 20U;  // bytes of one argument, and of a list of them

// Of all variables of an image, and of all arguments of a Dockerfile. Each may be made of those before it, so that a
// few bytes of a line become megabytes.
inline constexpr std::size_t kMostVariables = 8U << 20U;  // bytes

// Replaces variables and takes quotes and escapes off.
[[nodiscard]] Result<std::string> expand(std::string_view text, const Lookup& lookup, char escape);
// Replaces variables in the content of a here-document, in which quotes are text.
[[nodiscard]] Result<std::string> expand_document(std::string_view text, const Lookup& lookup);

// Expands each of them.
[[nodiscard]] Result<std::vector<std::string>> expand_all(const std::vector<std::string>& words, const Lookup& lookup,
                                                          char escape);
// Splits at blanks and expands each word.
[[nodiscard]] Result<std::vector<std::string>> expand_list(std::string_view text, const Lookup& lookup, char escape);

// The pairs of ENV and LABEL: NAME=value NAME=value, or NAME and a value that is all the rest of the line. Not
// expanded.
using Pairs = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Result<Pairs> name_values(std::string_view text, char escape);

}  // namespace mete::runtime::build
