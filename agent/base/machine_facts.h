// SPDX-License-Identifier: Apache-2.0
// The machine's name, addresses and size, for containers that ask for them (config/downward.h).
#pragma once

#include "config/downward.h"
#include "config/units.h"

namespace mete::agent {

enum class Addresses : bool { kNone, kAll };

// Reads the facts now, because an address may change while the agent runs. `addresses`: whether the caller needs the
// addresses; reading them costs more than all other facts together. Addresses (getifaddrs(3)) are those of interfaces
// that are up, without loopback and link-local ones; IPv4 before IPv6, otherwise in the kernel's order.
[[nodiscard]] config::MachineFacts machine_facts(Bytes memory, Addresses addresses);

}  // namespace mete::agent
