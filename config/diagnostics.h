// SPDX-License-Identifier: Apache-2.0
// Words for errors: the nearest known name, lists of names. Internal to config/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mete::config {

// The one of `known` that `text` is most likely a slip of the pen for; empty when none is close. Case does not count.
[[nodiscard]] std::string nearest(std::string_view text, const std::vector<std::string_view>& known);

// "a, b or c"
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& names);

}  // namespace mete::config
