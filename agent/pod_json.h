// SPDX-License-Identifier: Apache-2.0
// Pods as JSON: what was asked for (also the basis of a pod's hash) and what is.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/pod.h"
#include "config/desired_state.h"

namespace mete::agent {

// Everything that makes a container another one, in Kubernetes' field names; not the policy, not the location.
[[nodiscard]] nlohmann::json pod_plan_json(const config::PodPlan& plan);

// The API's view of a pod: phase, containers with state, usage and counters.
[[nodiscard]] nlohmann::ordered_json pod_status_json(Pod& pod);

}  // namespace mete::agent
