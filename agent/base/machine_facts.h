// SPDX-License-Identifier: Apache-2.0
// The machine's name, addresses and size, for containers that ask for them (config/downward.h).
#pragma once

#include "config/downward.h"
#include "config/units.h"

namespace mete::agent {

enum class Addresses : bool { kNone, kAll };

// Reads them now: an address may change while the agent runs. Asking the kernel for all addresses costs more than all
// the rest, so it is done only for who wants them. Addresses (getifaddrs(3)) are those of interfaces that
// are up, without loopback and link-local ones; IPv4 before IPv6, otherwise in the kernel's order.
[[nodiscard]] config::MachineFacts machine_facts(Bytes memory, Addresses addresses);

}  // namespace mete::agent
