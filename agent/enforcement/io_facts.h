// SPDX-License-Identifier: Apache-2.0
// What limits on IO need to know of the machine: which disk is under a path, and whether there is a scheduler with
// weights.
#pragma once

#include <string>
#include <vector>

#include "config/policy.h"
#include "enforcers/asked_limits.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

// For this cgroup, which exists. What cannot be had is a sentence in `faults` and is left out.
[[nodiscard]] enforcers::IoFacts find_policy_disks(const config::IoPolicy& policy, const runtime::cgroup::Group& group,
                                                   std::vector<std::string>& faults);

}  // namespace mete::agent
