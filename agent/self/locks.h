// SPDX-License-Identifier: Apache-2.0
// Locks that ensure one agent per state, run folder, cgroup parent and bridge. A lock is held as long as its descriptor
// is open.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::agent {

// Locks the directory, and makes it when it is missing. An error: it cannot be made, or another agent holds the lock.
[[nodiscard]] Result<runtime::UniqueFd> lock_directory(const std::string& directory, mode_t mode);

// Locks the cgroup, and makes it: an agent that may not make cgroups fails here, before it changes anything.
[[nodiscard]] Result<runtime::UniqueFd> lock_parent(const runtime::cgroup::Hierarchies& hierarchies,
                                                    const std::string& path);

// Locks the networks of this bridge's table in this network namespace: two agents would remove each other's links and
// rules. The lock is an abstract unix socket, which belongs to the network namespace and goes with the process
// (unix(7)). May wait for a second.
[[nodiscard]] Result<runtime::UniqueFd> lock_networks(const std::string& table);

}  // namespace mete::agent
