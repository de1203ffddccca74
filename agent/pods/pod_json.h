// SPDX-License-Identifier: Apache-2.0
// Pods as JSON: what the API says of them.
#pragma once

#include "agent/pods/pod.h"
#include "config/desired_state.h"
#include "runtime/json.h"

namespace mete::agent {

// {"cpu": "500m", "memory": "67108864", "hugepages-2Mi": ...}, without what is not said.
[[nodiscard]] nlohmann::json resource_json(const config::ResourceList& list);

// The API's view of a pod: phase, containers with state, usage and counters.
[[nodiscard]] nlohmann::ordered_json pod_status_json(Pod& pod);

}  // namespace mete::agent
