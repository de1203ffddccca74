// SPDX-License-Identifier: Apache-2.0
// The machine's name, addresses and size, for containers that ask for them (config/downward.h).
#pragma once

#include "config/downward.h"
#include "config/units.h"

namespace mete::agent {

// Reads them now: an address may change while the agent runs. Addresses (getifaddrs(3)) are those of interfaces that
// are up, without loopback and link-local ones; IPv4 before IPv6, otherwise in the kernel's order.
[[nodiscard]] config::MachineFacts machine_facts(Bytes memory);

}  // namespace mete::agent
