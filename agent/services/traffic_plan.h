// SPDX-License-Identifier: Apache-2.0
// Translates NetworkPolicies and the pods that exist into what may reach which pod. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/model/traffic_policy.h"
#include "runtime/network/traffic_rules.h"

namespace mete::agent {

// A pod with addresses of its own. `labels` and `ports` outlive the plan's making.
struct TrafficPod {
  std::string_view space;
  const std::map<std::string, std::string>* labels = nullptr;
  std::vector<config::IpAddress> addresses;
  std::vector<const config::ContainerPort*> ports;
};

// A namespace has the label kubernetes.io/metadata.name alone. Empty: no policy selects a pod.
[[nodiscard]] runtime::network::TrafficPlan plan_traffic(const std::vector<config::TrafficPolicy>& policies,
                                                         const std::vector<TrafficPod>& pods);

}  // namespace mete::agent
