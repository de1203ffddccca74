// SPDX-License-Identifier: Apache-2.0
// Pods as JSON: what the API says of them.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/pods/pod.h"

namespace mete::agent {

// The API's view of a pod: phase, containers with state, usage and counters.
[[nodiscard]] nlohmann::ordered_json pod_status_json(Pod& pod);

}  // namespace mete::agent
