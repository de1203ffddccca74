// SPDX-License-Identifier: Apache-2.0
// Locks that ensure one agent per state, run folder and cgroup parent. A lock is held as long as its descriptor is
// open.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::agent {

// Locks the directory, and makes it when it is missing. An error: it cannot be made, or another agent holds the lock.
[[nodiscard]] Result<runtime::UniqueFd> lock_directory(const std::string& directory, mode_t mode);

// Locks the cgroup, and makes it: an agent that may not make cgroups fails here, before it changes anything.
[[nodiscard]] Result<runtime::UniqueFd> lock_parent(const runtime::cgroup::Hierarchies& hierarchies,
                                                    const std::string& path);

}  // namespace mete::agent
