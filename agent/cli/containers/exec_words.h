// SPDX-License-Identifier: Apache-2.0
// `mete exec web ls -l` as docker has it: what follows the container's name is the command's. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace mete::agent::cli {

// The same words with "--" after the container's name, unless they have one, or an option follows the name (kubectl's
// order: exec web -c main -- ls). `words`: after "exec". `with_value`: the options whose value is a word of its own.
[[nodiscard]] std::vector<std::string> with_dashes(const std::vector<std::string>& words,
                                                   const std::set<std::string>& with_value);

}  // namespace mete::agent::cli
