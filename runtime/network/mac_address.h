// SPDX-License-Identifier: Apache-2.0
// Hardware addresses as text. Pure.
#pragma once

#include <optional>
#include <string>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

// "02:6d:0a:4d:00:02"; empty: it is none.
[[nodiscard]] std::optional<MacAddress> parse_mac(const std::string& text);
// One that a single device can have: no group's, and not 0.
[[nodiscard]] bool is_of_one_device(const MacAddress& mac);

}  // namespace mete::runtime::network
