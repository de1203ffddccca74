// SPDX-License-Identifier: Apache-2.0
// Texts for errors: the nearest known name, lists of names. Internal to config/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mete::config {

// The name in `known` that `text` most likely misspells; empty when none is close. Case is ignored.
[[nodiscard]] std::string nearest(std::string_view text, const std::vector<std::string_view>& known);

// "a, b or c"
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& names);

}  // namespace mete::config
