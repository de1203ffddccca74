// SPDX-License-Identifier: Apache-2.0
// Translates NetworkPolicies and the pods that exist into what may reach which pod. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/traffic_policy.h"
#include "runtime/network/traffic_rules.h"

namespace mete::agent {

// A pod with an address of its own, once for each of its addresses.
struct TrafficPod {
  std::string space;
  std::map<std::string, std::string> labels;
  config::IpAddress address;
  std::optional<config::IpAddress> address6;
  std::vector<config::ContainerPort> ports;
};

// A namespace has the label kubernetes.io/metadata.name alone. Empty: no policy selects a pod.
[[nodiscard]] runtime::network::TrafficPlan plan_traffic(const std::vector<config::TrafficPolicy>& policies,
                                                         const std::vector<TrafficPod>& pods);

}  // namespace mete::agent
