// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace mete::runtime::process {

// "TERM", "SIGTERM", "sigterm", "15", "SIGRTMIN+3" -> the number; empty: no such signal.
[[nodiscard]] std::optional<int> signal_number(std::string_view text);

}  // namespace mete::runtime::process
