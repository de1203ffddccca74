// SPDX-License-Identifier: Apache-2.0
// One agent on one state, run folder and cgroup parent. A lock is held for as long as its descriptor is open.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::agent {

// Makes the directory when it is not there. The error also when another agent has it.
[[nodiscard]] Result<runtime::UniqueFd> lock_directory(const std::string& directory, mode_t mode);

// The cgroup, made here, so that an agent that may not make cgroups says so before anything else.
[[nodiscard]] Result<runtime::UniqueFd> lock_parent(const runtime::cgroup::Hierarchies& hierarchies,
                                                    const std::string& path);

}  // namespace mete::agent
