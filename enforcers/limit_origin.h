// SPDX-License-Identifier: Apache-2.0
// Why a control file holds what it holds: which line of a manifest or of a policy asked for it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/pod_spec.h"
#include "config/policy.h"

namespace mete::enforcers {

struct LimitFacts {
  config::Resources resources;             // in force
  const config::Policy* policy = nullptr;  // null: none
  bool updated = false;                    // by `mete update`, over the manifest
  bool exclusive = false;                  // it has CPUs to itself
  bool raised = false;                     // the memory limit, by the policy
  bool boosted = false;                    // the quota, the same
};

// Of a container's control file, as "limits.memory 64Mi of the manifest". Empty: a file that mete does not write.
[[nodiscard]] std::string origin_of(std::string_view file, const LimitFacts& facts);
// Of the control file of a pod's own cgroup. `held_back`: as one without requests, while the machine is loaded.
[[nodiscard]] std::string pod_origin_of(std::string_view file, bool held_back);

}  // namespace mete::enforcers
