// SPDX-License-Identifier: Apache-2.0
// Workloads and their pods in the shape that the API server of Kubernetes gives, for `mete get`.
#pragma once

#include <string>

#include "agent/pods/status/pod_status.h"
#include "agent/workloads/workloads.h"
#include "config/resolve/downward.h"
#include "runtime/json.h"

namespace mete::agent {

// A condition of a pod or a workload.
[[nodiscard]] nlohmann::ordered_json condition_json(const PodCondition& condition);
[[nodiscard]] nlohmann::ordered_json workload_json(const Workloads& workloads, const WorkloadObject& object);
// `spec` is what the manifest or the template says, as JSON text; empty: what is known of it.
// `machine`: with its addresses.
[[nodiscard]] nlohmann::ordered_json pod_object_json(const Pod& pod, const std::string& spec,
                                                     const config::MachineFacts& machine);

}  // namespace mete::agent
