// SPDX-License-Identifier: Apache-2.0
// A Service: one address and one name for the pods that it selects. Plain data with Kubernetes' defaults (v1). What
// carries it out is agent/services.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/location.h"
#include "config/model/objects.h"
#include "config/model/pod_spec.h"
#include "config/values/ip_address.h"

namespace mete::config {

enum class ServiceType : std::uint8_t { kClusterIp, kNodePort, kLoadBalancer, kExternalName };

// Which kinds of addresses a Service has. Dual: IPv4 and IPv6.
enum class IpFamilyPolicy : std::uint8_t { kSingleStack, kPreferDualStack, kRequireDualStack };

struct ServicePort {
  std::string name;  // empty where it is the only one
  Protocol protocol = Protocol::kTcp;
  std::uint16_t port = 0;
  std::uint16_t target = 0;     // of the pods; 0: the container's port of the name `target_name`
  std::string target_name;      // may be another number in each pod
  std::uint16_t node_port = 0;  // of this machine; 0: none was asked for
  bool operator==(const ServicePort&) const = default;
};

struct Service {
  ObjectMeta metadata;
  ServiceType type = ServiceType::kClusterIp;
  bool headless = false;              // clusterIP: None
  std::optional<IpAddress> address;   // of IPv4, in clusterIP or clusterIPs; empty: one is chosen
  std::optional<IpAddress> address6;  // the same of IPv6
  IpFamilyPolicy family_policy = IpFamilyPolicy::kSingleStack;
  bool v6_first = false;                        // ipFamilies begin with IPv6
  std::map<std::string, std::string> selector;  // empty: it selects nothing
  std::vector<ServicePort> ports;
  bool by_client = false;       // sessionAffinity: ClientIP
  bool with_not_ready = false;  // publishNotReadyAddresses
  std::string external_name;    // of type ExternalName
  std::string text;             // the whole object as JSON, for `mete get -o yaml`
  Location location;
  bool operator==(const Service&) const = default;
};

[[nodiscard]] constexpr bool has_node_ports(ServiceType type) {
  return type == ServiceType::kNodePort || type == ServiceType::kLoadBalancer;
}
[[nodiscard]] constexpr std::string_view protocol_name(Protocol protocol) {
  return protocol == Protocol::kUdp ? "UDP" : protocol == Protocol::kSctp ? "SCTP" : "TCP";
}

}  // namespace mete::config
