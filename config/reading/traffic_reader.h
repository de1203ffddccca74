// SPDX-License-Identifier: Apache-2.0
// The table and the reader of NetworkPolicies. Internal to config/.
#pragma once

#include "config/model/traffic_policy.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kTrafficPolicySpec;

// Of a whole object whose shape was checked.
[[nodiscard]] TrafficPolicy read_traffic_policy(const View& view);

}  // namespace mete::config
