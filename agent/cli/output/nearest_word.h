// SPDX-License-Identifier: Apache-2.0
// Which of the known words somebody has mistyped. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mete::agent::cli {

// The nearest one, at most a third of its letters away; empty: none is near.
[[nodiscard]] std::string nearest_word(std::string_view found, const std::vector<std::string>& known);

}  // namespace mete::agent::cli
