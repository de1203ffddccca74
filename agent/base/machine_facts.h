// SPDX-License-Identifier: Apache-2.0
// The machine's name, addresses and size, for containers that ask for them (config/resolve/downward.h).
#pragma once

#include "config/base/units.h"
#include "config/resolve/downward.h"

namespace mete::agent {

enum class Addresses : bool { kNone, kAll };

// Reads the facts now, because an address may change while the agent runs. `addresses`: whether the caller needs the
// addresses; reading them costs more than all other facts together. Addresses (getifaddrs(3)) are those of interfaces
// that are up, without loopback and link-local ones; IPv4 before IPv6, otherwise in the kernel's order.
// `disk`: a directory on the file system whose size is that of the disk; 0 when it cannot be asked.
[[nodiscard]] config::MachineFacts machine_facts(Bytes memory, const std::string& disk, Addresses addresses);

}  // namespace mete::agent
