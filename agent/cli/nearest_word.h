// SPDX-License-Identifier: Apache-2.0
// Which of the known words somebody has mistyped. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mete::agent::cli {

// Letters to be changed, added, left out or exchanged with their neighbour (Damerau's distance).
[[nodiscard]] std::size_t distance_of(std::string_view a, std::string_view b);
// The nearest one, at most a third of its letters away; empty: none is near.
[[nodiscard]] std::string nearest_word(std::string_view found, const std::vector<std::string>& known);

}  // namespace mete::agent::cli
