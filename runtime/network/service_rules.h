// SPDX-License-Identifier: Apache-2.0
// Where packets to a Service go: destination NAT by maps. A port of a Service has kSlots places, each with one of its
// endpoints; a new connection takes a place by chance, or by its client's address. So an endpoint that comes or goes
// changes elements, never a rule, and a change is one transaction. Pure.
#pragma once

#include <compare>
#include <vector>

#include "runtime/network/network_spec.h"
#include "runtime/network/nft_rules.h"

namespace mete::runtime::network {

// More endpoints than these are not all used; as many connections go to each as it has places.
inline constexpr std::uint32_t kSlots = 128;

struct ServiceEndpoint {
  IpAddress address;
  std::uint16_t port = 0;
  auto operator<=>(const ServiceEndpoint&) const = default;
};

struct ServedPort {
  IpAddress address;  // of the Service
  config::Protocol protocol = config::Protocol::kTcp;
  std::uint16_t port = 0;
  std::uint16_t node_port = 0;  // of this machine; 0: none
  bool by_client = false;
  std::vector<ServiceEndpoint> endpoints;
  bool operator==(const ServedPort&) const = default;
};

struct ServicePlan {
  IpRange range;                       // what is in it and leads nowhere is refused
  std::vector<ServedPort> ports;       // those of an IPv6 address have endpoints of IPv6
  std::optional<IpRange> range6 = {};  // the same of IPv6; empty: there is none
  bool operator==(const ServicePlan&) const = default;
};

// The endpoint of each place. By client: one that goes takes no client from the others (rendezvous hashing).
// Otherwise each has as many places as the others, or one more. Empty without endpoints.
[[nodiscard]] std::vector<ServiceEndpoint> places_of(const ServedPort& port);

[[nodiscard]] std::vector<nft::Element> elements_of(const ServicePlan& plan);

}  // namespace mete::runtime::network
