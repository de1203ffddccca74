// SPDX-License-Identifier: Apache-2.0
// What NetworkPolicies come to for the pods that there are.
#include "agent/services/traffic_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::agent {
namespace {

using config::Protocol;
using runtime::network::AllowedTraffic;
using runtime::network::TrafficDirection;
using runtime::network::TrafficPlan;

struct Given {
  std::map<std::string, std::string> labels;
  config::ContainerPort http;
};

// They outlive every plan.
TrafficPod pod(const char* space, const char* app, std::initializer_list<const char*> addresses,
               std::uint16_t http = 80) {
  static std::deque<Given> given;
  given.push_back({{{"app", app}}, {.container_port = http, .name = "http"}});
  TrafficPod one{space, &given.back().labels, {}, {&given.back().http}};
  for (const auto* each : addresses) one.addresses.push_back(config::parse_ip(each).value());
  return one;
}
std::vector<TrafficPod> pods() {
  return {pod("shop", "db", {"10.77.0.2", "fd00::2"}), pod("shop", "web", {"10.77.0.3", "fd00::3"}, 81),
          pod("ops", "web", {"10.77.0.4"}, 82)};
}

std::vector<config::TrafficPolicy> policies(const std::string& first, const std::string& second = {}) {
  std::string text;
  for (const auto& spec : {first, second}) {
    if (!spec.empty())
      text += "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p" +
              std::to_string(text.size()) + ", namespace: shop}\nspec: " + spec + "\n";
  }
  const auto read = config::read_documents(text, "");
  EXPECT_TRUE(read.ok()) << text;
  return read.traffic_policies;
}
TrafficPlan plan(const std::string& first, const std::string& second = {}) {
  return plan_traffic(policies(first, second), pods());
}

// As the rules would decide: `own` has the direction, `port` is the destination's.
class Packet {
 public:
  Packet(const char* own, const char* peer, std::uint16_t port, Protocol protocol = Protocol::kTcp)
      : own_(config::parse_ip(own).value()), peer_(config::parse_ip(peer).value()), port_(port), protocol_(protocol) {}

  [[nodiscard]] bool may(const TrafficPlan& plan, const TrafficDirection& direction) const {
    const auto closed = direction.closed.find(own_);
    if (closed == direction.closed.end()) return true;
    const auto& chain = direction.chains.at(closed->second);
    return std::any_of(chain.begin(), chain.end(), [&](const auto& each) { return fits(plan, each); });
  }

 private:
  [[nodiscard]] bool fits(const TrafficPlan& plan, const AllowedTraffic& allowed) const {
    if (allowed.protocol && (*allowed.protocol != protocol_ || port_ < allowed.first || port_ > allowed.last))
      return false;
    const auto in = [&](const auto& range) { return contains(range, peer_); };
    if (allowed.block && (!in(*allowed.block) || std::any_of(allowed.except.begin(), allowed.except.end(), in)))
      return false;
    if (!allowed.peers) return true;
    const auto& set = plan.peers.at(*allowed.peers);
    runtime::network::PeerMember member{peer_};
    if (set.with_ports) member = {peer_, protocol_, port_};
    return std::binary_search(set.members.begin(), set.members.end(), member);
  }
  config::IpAddress own_;
  config::IpAddress peer_;
  std::uint16_t port_;
  Protocol protocol_;
};

bool in(const TrafficPlan& plan, const Packet& packet) {
  return packet.may(plan, plan.ingress);
}
bool out(const TrafficPlan& plan, const Packet& packet) {
  return packet.may(plan, plan.egress);
}

TEST(TrafficPlan, APodThatIsSelectedIsClosedInThatDirection) {
  const auto all = plan("{podSelector: {}}");
  EXPECT_EQ(all.ingress.closed.size(), 4U) << "those of its namespace, with all their addresses";
  EXPECT_TRUE(all.egress.closed.empty());
  EXPECT_FALSE(in(all, {"10.77.0.2", "10.77.0.3", 80}) || in(all, {"fd00::2", "fd00::3", 80}));
  EXPECT_TRUE(in(all, {"10.77.0.4", "10.77.0.3", 80}));
  EXPECT_EQ(plan("{podSelector: {matchLabels: {app: none}}}"), TrafficPlan());
}

TEST(TrafficPlan, PeersArePodsOfNamespacesAndBlocks) {
  const auto from = [](const std::string& peer, const char* address) {
    return in(plan("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [" + peer + "]}]}"),
              {address[0] == 'f' || address[0] == '2' ? "fd00::2" : "10.77.0.2", address, 1});
  };
  const std::string web = "{podSelector: {matchLabels: {app: web}}}";
  EXPECT_TRUE(from(web, "10.77.0.3") && from(web, "fd00::3"));
  EXPECT_FALSE(from(web, "10.77.0.4")) << "of another namespace";
  const std::string ops = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}}";
  EXPECT_TRUE(from(ops, "10.77.0.4") && !from(ops, "10.77.0.3"));
  const std::string anywhere = "{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}";
  EXPECT_TRUE(from(anywhere, "10.77.0.3") && from(anywhere, "10.77.0.4") && !from(anywhere, "10.77.0.2"));
  const std::string block = "{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.8/29, 192.0.2.128/25]}}";
  EXPECT_TRUE(from(block, "192.0.2.7") && from(block, "192.0.2.16"));
  EXPECT_FALSE(from(block, "192.0.2.8") || from(block, "192.0.2.200") || from(block, "192.0.3.1"));
  EXPECT_TRUE(from("{ipBlock: {cidr: '2001:db8::/32'}}", "2001:db8::7"));
}

TEST(TrafficPlan, PortsAreThoseOfWhoIsConnectedTo) {
  const auto all = plan(
      "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: http}, {protocol: UDP, port: 8000, endPort: "
      "8002}]}]}");
  const auto web = [&](std::uint16_t port, Protocol protocol = Protocol::kTcp) {
    return in(all, {"10.77.0.3", "203.0.113.1", port, protocol});
  };
  EXPECT_TRUE(web(81) && web(8002, Protocol::kUdp));
  EXPECT_FALSE(web(80) || web(8003, Protocol::kUdp) || web(8000));
  const auto named = plan(
      "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: "
      "[{port: http}]}]}");
  EXPECT_TRUE(out(named, {"10.77.0.2", "10.77.0.3", 81}) && out(named, {"10.77.0.2", "10.77.0.4", 82}));
  EXPECT_FALSE(out(named, {"10.77.0.2", "10.77.0.3", 82})) << "each pod's own";
  EXPECT_TRUE(named.ingress.closed.empty());
  const auto protocol = plan("{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}");
  EXPECT_TRUE(in(protocol, {"10.77.0.2", "10.77.0.3", 1, Protocol::kUdp}));
  EXPECT_FALSE(in(protocol, {"10.77.0.2", "10.77.0.3", 1}));
}

TEST(TrafficPlan, PoliciesAddToEachOther) {
  const auto all = plan("{podSelector: {}}", "{podSelector: {matchLabels: {app: db}}, ingress: [{}]}");
  EXPECT_TRUE(in(all, {"10.77.0.2", "203.0.113.1", 1}));
  EXPECT_FALSE(in(all, {"10.77.0.3", "203.0.113.1", 1}));
}

TEST(TrafficPlan, WhatSaysTheSameIsThereOnce) {
  const auto same = "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}";
  const auto all = plan(same, same);
  EXPECT_EQ(all.ingress.chains.size(), 1U) << "of all pods";
  EXPECT_EQ(all.ingress.chains.begin()->second.size(), 1U);
  EXPECT_EQ(all.peers.size(), 1U);
}

TEST(TrafficPlan, ANewPodChangesWhatItBelongsToAlone) {
  const auto given = policies("{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}",
                              "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: "
                              "{app: web}}}], ports: [{port: http}]}]}");
  auto more = pods();
  const auto before = plan_traffic(given, more);
  more.push_back(pod("shop", "web", {"10.77.0.9"}));
  const auto change = difference(before, plan_traffic(given, more));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->added.elements.size(), 3U) << "two selectors, and its chain";
  EXPECT_TRUE(change->added.chains.empty() && change->added.sets.empty() && change->removed.elements.empty());
}

}  // namespace
}  // namespace mete::agent
