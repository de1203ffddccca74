// SPDX-License-Identifier: Apache-2.0
// A NetworkPolicy: who may reach the pods that it selects, and whom they may reach. Plain data with Kubernetes'
// defaults (networking.k8s.io/v1). What carries it out is agent/services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/location.h"
#include "config/model/objects.h"
#include "config/model/pod_spec.h"
#include "config/model/policy.h"
#include "config/values/ip_address.h"

namespace mete::config {

// Pods of namespaces, or addresses.
struct TrafficPeer {
  std::optional<Selector> pods;        // empty: all of the namespaces
  std::optional<Selector> namespaces;  // by the label kubernetes.io/metadata.name; empty: that of the policy
  std::optional<IpRange> block;        // set: the other two are not
  std::vector<IpRange> except;         // parts of `block`
  bool operator==(const TrafficPeer&) const = default;
};

struct TrafficPort {
  Protocol protocol = Protocol::kTcp;
  std::uint16_t first = 0;  // 0, and no name: all ports
  std::uint16_t last = 0;
  std::string name;  // of a container's port
  bool operator==(const TrafficPort&) const = default;
};

struct TrafficRule {
  std::vector<TrafficPeer> peers;  // empty: everybody
  std::vector<TrafficPort> ports;  // empty: all, of every protocol
  bool operator==(const TrafficRule&) const = default;
};

// What no rule of the policies that select a pod allows in a direction is dropped, once one of them is about it.
struct TrafficPolicy {
  ObjectMeta metadata;
  Selector pods;  // of its namespace; empty: all
  bool about_ingress = false;
  bool about_egress = false;
  std::vector<TrafficRule> ingress;
  std::vector<TrafficRule> egress;
  std::string text;  // the whole object as JSON
  Location location;
  bool operator==(const TrafficPolicy&) const = default;
};

}  // namespace mete::config
