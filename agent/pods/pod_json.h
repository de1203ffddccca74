// SPDX-License-Identifier: Apache-2.0
// Pods as JSON: what was asked for, as a hash, and what is.
#pragma once

#include "agent/pods/pod.h"
#include "config/desired_state.h"
#include "runtime/json.h"

namespace mete::agent {

// Of everything that makes a container another one: not policy and resources (applied live, as long as the QoS class
// stays what it is), not where it was written.
[[nodiscard]] std::string hash_of(const config::PodPlan& plan);
// Of the resources of all its containers.
[[nodiscard]] std::string resources_hash_of(const config::PodPlan& plan);

// The API's view of a pod: phase, containers with state, usage and counters.
[[nodiscard]] nlohmann::ordered_json pod_status_json(Pod& pod);

}  // namespace mete::agent
