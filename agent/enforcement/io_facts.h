// SPDX-License-Identifier: Apache-2.0
// Finds the facts about the machine that limits on IO depend on: the disk under a path, and whether an IO scheduler
// with weights is active.
#pragma once

#include <string>
#include <vector>

#include "config/model/policy.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

// The cgroup must exist. A part of the policy that the machine does not support is left out, and `faults` gets a
// sentence about it.
[[nodiscard]] enforcers::IoFacts find_policy_disks(const config::IoPolicy& policy, const runtime::cgroup::Group& group,
                                                   std::vector<std::string>& faults);

}  // namespace mete::agent
