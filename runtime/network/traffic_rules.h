// SPDX-License-Identifier: Apache-2.0
// Who may reach a pod and whom it may reach, where a NetworkPolicy says so. A pod that is closed in a direction leads
// to a chain; pods that the same policies select have one chain together. A rule of a chain names peers by a set, which
// all rules with the same selectors share. So a pod that comes or goes changes one element for each of its addresses in
// every set that it belongs to, whatever there is; a chain comes and goes with the first and the last pod that has it,
// and all of a change is one transaction. IPv4 and IPv6. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "runtime/network/network_spec.h"
#include "runtime/network/nft_rules.h"

namespace mete::runtime::network {

// The address of a pod, and where a set is about a port by its name, that port of it.
struct PeerMember {
  IpAddress address;
  config::Protocol protocol = config::Protocol::kTcp;
  std::uint16_t port = 0;
  auto operator<=>(const PeerMember&) const = default;
};

struct PeerSet {
  bool with_ports = false;
  std::vector<PeerMember> members;  // sorted, each once
  bool operator==(const PeerSet&) const = default;
};

// One thing that is allowed.
struct AllowedTraffic {
  std::optional<std::uint32_t> peers;        // a PeerSet's number
  std::optional<IpRange> block;              // in place of it; neither: everybody
  std::vector<IpRange> except;               // parts of the block
  std::optional<config::Protocol> protocol;  // empty: every one, with all ports
  std::uint16_t first = 0;                   // of the destination's ports
  std::uint16_t last = 65535;
  bool operator==(const AllowedTraffic&) const = default;
};

struct TrafficDirection {
  std::map<std::uint32_t, std::vector<AllowedTraffic>> chains;  // by number
  std::map<IpAddress, std::uint32_t> closed;                    // which chain a pod's address leads to
  bool operator==(const TrafficDirection&) const = default;
};

// A number is the same as long as what it stands for is the same.
struct TrafficPlan {
  std::map<std::uint32_t, PeerSet> peers;  // by number
  TrafficDirection ingress;
  TrafficDirection egress;
  bool operator==(const TrafficPlan&) const = default;
};

// Adds all of it to the table.
void add_traffic(const TrafficPlan& plan, nft::Table& to);

// From one plan to another, as parts of a table that come and go. Empty: a number stands for something else, so the
// whole table is to be written.
struct TrafficChange {
  nft::Table added;
  nft::Table removed;
};
[[nodiscard]] std::optional<TrafficChange> difference(const TrafficPlan& before, const TrafficPlan& after);

}  // namespace mete::runtime::network
