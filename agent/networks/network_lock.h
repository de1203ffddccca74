// SPDX-License-Identifier: Apache-2.0
// One agent for each bridge device of a network namespace: two of them would remove each other's links and rules.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::agent {

// Held as long as the descriptor is open. The lock is an abstract unix socket, which belongs to the network namespace
// and goes with the process (unix(7)). Waits a second at most for an agent that has just been killed. The error:
// another agent has it.
[[nodiscard]] Result<runtime::UniqueFd> lock_networks(const std::string& table);

}  // namespace mete::agent
