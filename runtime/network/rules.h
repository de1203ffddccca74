// SPDX-License-Identifier: Apache-2.0
// The rules of mete's networks: two tables of its own beside those of others, `inet mete` and `bridge mete`. A
// container adds elements to sets and maps, never a rule, so one more costs the same whatever there is. Pure.
//
// inet: what comes from outside or from another network is dropped, unless it is an answer or goes to a published port;
// published ports are destination NAT by a map, for packets from outside and of this machine; what leaves a network has
// the machine's address. The loopback of the machine is out of reach for containers. VXLAN packets come from other
// machines alone, and those of encrypted networks by the tunnel alone.
// bridge: a container's frames bear its own hardware and IP addresses, or are dropped: also in ARP and in neighbour
// discovery; router advertisements and redirects of containers are dropped.
#pragma once

#include <vector>

#include "runtime/network/network_spec.h"
#include "runtime/network/nft_rules.h"
#include "runtime/network/service_rules.h"
#include "runtime/network/traffic_rules.h"

namespace mete::runtime::network {

// Of the default bridge's device: "mete" for mete0, so that several agents on one machine have a pair of tables each.
[[nodiscard]] std::string table_name(const std::string& device);

// How the names of its ends on bridges begin: an end of such a name that no rule knows may send nothing.
[[nodiscard]] std::string end_prefix(const std::string& table);

// What one endpoint adds to each of the tables.
struct EndpointElements {
  std::vector<nft::Element> inet;
  std::vector<nft::Element> bridge;
};
[[nodiscard]] EndpointElements elements_of(const Endpoint& endpoint);

struct Tables {
  nft::Table inet;
  nft::Table bridge;
};
// What they have beside what every network needs.
struct TableParts {
  std::optional<IpRange> services;  // the addresses of Services; empty: there are none
  std::optional<IpRange> services6;
  bool policies = false;  // NetworkPolicies select pods
};
// All of both, without elements.
[[nodiscard]] Tables tables_of(const std::string& table, const std::vector<NetworkSpec>& networks,
                               const TableParts& parts = {});

// What Services and NetworkPolicies make of the pods. Empty: there are none.
struct PodRules {
  std::optional<ServicePlan> services;
  std::optional<TrafficPlan> traffic;
  bool operator==(const PodRules&) const = default;
};
struct RulesPlan {
  std::vector<NetworkSpec> networks;  // the default one first
  std::vector<Endpoint> endpoints;
  PodRules pods;
};
// The messages that replace both tables in one transaction.
[[nodiscard]] std::vector<Message> replace_all(const std::string& table, const RulesPlan& plan);
[[nodiscard]] std::vector<Message> remove_all(const std::string& table);
// From one state of an endpoint to another. Empty: it is not there.
[[nodiscard]] std::vector<Message> change_endpoint(const std::string& table, const std::optional<Endpoint>& before,
                                                   const std::optional<Endpoint>& after);
// The same of Services and NetworkPolicies. Empty: chains are to change, too, so all has to be written.
[[nodiscard]] std::optional<std::vector<Message>> change_pod_rules(const std::string& table, const PodRules& before,
                                                                   const PodRules& after);

}  // namespace mete::runtime::network
