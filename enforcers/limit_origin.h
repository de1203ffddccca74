// SPDX-License-Identifier: Apache-2.0
// Names the line of a manifest or policy that a control file's value comes from. Pure.
#pragma once

#include <string>
#include <string_view>

#include "config/model/pod_spec.h"
#include "config/model/policy.h"

namespace mete::enforcers {

struct LimitFacts {
  config::Resources resources;                      // in force
  const config::Policy* policy = nullptr;           // null: none
  const config::ContainerExtras* extras = nullptr;  // what a docker client asks for; null: not known
  bool updated = false;                             // changed by `mete update`, beyond the manifest
  bool exclusive = false;                           // the container has CPUs of its own
  bool raised = false;                              // the policy has raised the memory limit
  bool boosted = false;                             // the policy has raised the quota
};

// For a container's control file, as "limits.memory 64Mi of the manifest". Empty: mete does not write the file.
[[nodiscard]] std::string origin_of(std::string_view file, const LimitFacts& facts);
// For a control file of a pod's own cgroup. `spec`: null where the manifest is gone. `held_back`: the pod has no
// requests and is bounded while the machine is loaded.
[[nodiscard]] std::string pod_origin_of(std::string_view file, const config::PodSpec* spec, bool held_back);

}  // namespace mete::enforcers
