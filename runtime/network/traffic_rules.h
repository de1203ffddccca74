// SPDX-License-Identifier: Apache-2.0
// Who may reach a pod and whom it may reach, where a NetworkPolicy says so: what is allowed is boxes of addresses,
// protocols and ports, elements of one set for each direction. So a pod that comes or goes changes elements, never a
// rule. IPv4; a pod that a policy closes in a direction has no new connections by IPv6 in that direction. Pure.
#pragma once

#include <vector>

#include "runtime/network/network_spec.h"
#include "runtime/network/nft_rules.h"

namespace mete::runtime::network {

// All numbers from `first` to `last`.
struct Span {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  auto operator<=>(const Span&) const = default;
};

// What of the others' addresses, with which protocols, to which ports.
struct AllowedTraffic {
  Span peers{0, 0xFFFFFFFFU};  // IPv4 addresses as numbers
  Span protocols{0, 255};      // IPPROTO_*
  Span ports{0, 65535};        // of the destination; those of protocols without ports are all numbers
  auto operator<=>(const AllowedTraffic&) const = default;
};

struct ClosedPod {
  IpAddress address;
  std::optional<IpAddress> address6;
  std::optional<std::vector<AllowedTraffic>> ingress;  // empty: not closed in this direction
  std::optional<std::vector<AllowedTraffic>> egress;
  bool operator==(const ClosedPod&) const = default;
};

struct TrafficPlan {
  std::vector<ClosedPod> pods;  // each address once
  bool operator==(const TrafficPlan&) const = default;
};

[[nodiscard]] std::uint32_t number_of(const IpAddress& v4);
[[nodiscard]] Span span_of(const IpRange& v4);
// The parts of `whole` that are in none of `without`.
[[nodiscard]] std::vector<Span> minus(const Span& whole, const std::vector<Span>& without);

// The same traffic as boxes that have nothing in common: the kernel's set takes no others.
[[nodiscard]] std::vector<AllowedTraffic> disjoint(const std::vector<AllowedTraffic>& all);

[[nodiscard]] std::vector<nft::Element> elements_of(const TrafficPlan& plan);

}  // namespace mete::runtime::network
