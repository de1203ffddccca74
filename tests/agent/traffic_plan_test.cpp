// SPDX-License-Identifier: Apache-2.0
// What NetworkPolicies come to for the pods that there are.
#include "agent/services/traffic_plan.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <algorithm>

#include "config/reading/yaml_reader.h"

namespace mete::agent {
namespace {

using runtime::network::AllowedTraffic;
using runtime::network::TrafficPlan;

TrafficPod pod(const char* space, const char* app, const char* address, std::uint16_t http = 80) {
  return {space, {{"app", app}}, config::parse_ip(address).value(), {}, {{.container_port = http, .name = "http"}}};
}
const std::vector<TrafficPod> kPods = {pod("shop", "db", "10.77.0.2"), pod("shop", "web", "10.77.0.3", 81),
                                       pod("ops", "web", "10.77.0.4", 82)};

TrafficPlan plan(const std::string& spec) {
  const auto read = config::read_documents(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: " + spec +
          "\n",
      "");
  EXPECT_TRUE(read.ok()) << spec;
  return plan_traffic(read.traffic_policies, kPods);
}
bool allows(const std::optional<std::vector<AllowedTraffic>>& all, const char* peer, std::uint32_t port,
            std::uint32_t protocol = IPPROTO_TCP) {
  const std::uint32_t number = runtime::network::number_of(config::parse_ip(peer).value());
  const auto in = [](const auto& span, std::uint32_t value) { return span.first <= value && value <= span.last; };
  return !all || std::any_of(all->begin(), all->end(), [&](const AllowedTraffic& each) {
    return in(each.peers, number) && in(each.protocols, protocol) && in(each.ports, port);
  });
}

TEST(TrafficPlan, APodThatIsSelectedIsClosedInThatDirection) {
  const auto all = plan("{podSelector: {}}");
  EXPECT_EQ(all.pods.size(), 2U) << "those of its namespace";
  EXPECT_TRUE(all.pods[0].ingress && all.pods[0].ingress->empty());
  EXPECT_FALSE(all.pods[0].egress.has_value());
  EXPECT_TRUE(plan("{podSelector: {matchLabels: {app: none}}}").pods.empty());
}

TEST(TrafficPlan, PeersArePodsOfNamespacesAndBlocks) {
  const auto of = [](const std::string& peer) {
    return plan("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [" + peer + "]}]}").pods.at(0).ingress;
  };
  const auto web = of("{podSelector: {matchLabels: {app: web}}}");
  EXPECT_TRUE(allows(web, "10.77.0.3", 1));
  EXPECT_FALSE(allows(web, "10.77.0.4", 1)) << "of another namespace";
  const auto ops = of("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}}");
  EXPECT_TRUE(allows(ops, "10.77.0.4", 1) && !allows(ops, "10.77.0.3", 1));
  const auto anywhere = of("{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}");
  EXPECT_TRUE(allows(anywhere, "10.77.0.3", 1) && allows(anywhere, "10.77.0.4", 1) &&
              !allows(anywhere, "10.77.0.2", 1));
  const auto block = of("{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.8/29]}}");
  EXPECT_TRUE(allows(block, "192.0.2.7", 1) && allows(block, "192.0.2.16", 1));
  EXPECT_FALSE(allows(block, "192.0.2.8", 1) || allows(block, "192.0.2.15", 1) || allows(block, "192.0.3.1", 1));
}

TEST(TrafficPlan, PortsAreThoseOfWhoIsConnectedTo) {
  const auto in = plan(
      "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: http}, {protocol: UDP, port: 8000, endPort: "
      "8002}]}]}");
  const auto& web = in.pods.at(0).ingress;
  EXPECT_TRUE(allows(web, "203.0.113.1", 81) && allows(web, "203.0.113.1", 8002, IPPROTO_UDP));
  EXPECT_FALSE(allows(web, "203.0.113.1", 80) || allows(web, "203.0.113.1", 8003, IPPROTO_UDP) ||
               allows(web, "203.0.113.1", 8000));
  const auto out = plan(
      "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: "
      "[{port: http}]}]}");
  const auto& db = out.pods.at(0).egress;
  EXPECT_TRUE(allows(db, "10.77.0.3", 81) && allows(db, "10.77.0.4", 82));
  EXPECT_FALSE(allows(db, "10.77.0.3", 82)) << "each pod's own";
  EXPECT_FALSE(out.pods.at(0).ingress.has_value());
}

TEST(TrafficPlan, NeighboursAreOneElement) {
  const auto all = plan("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}]}]}");
  ASSERT_EQ(all.pods.size(), 1U);
  EXPECT_EQ(all.pods[0].ingress->size(), 1U) << "10.77.0.2 to 10.77.0.4";
  EXPECT_TRUE(allows(all.pods[0].ingress, "10.77.0.4", 1) && !allows(all.pods[0].ingress, "10.77.0.5", 1));
}

TEST(TrafficPlan, PoliciesAddToEachOther) {
  const auto read = config::read_documents(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: shop}\nspec: "
      "{podSelector: {}}\n---\n"
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: b, namespace: shop}\n"
      "spec: {podSelector: {matchLabels: {app: db}}, ingress: [{}]}\n",
      "");
  const auto all = plan_traffic(read.traffic_policies, kPods);
  ASSERT_EQ(all.pods.size(), 2U);
  EXPECT_TRUE(allows(all.pods[0].ingress, "203.0.113.1", 1));
  EXPECT_FALSE(allows(all.pods[1].ingress, "203.0.113.1", 1));
}

}  // namespace
}  // namespace mete::agent
