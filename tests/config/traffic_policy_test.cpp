// SPDX-License-Identifier: Apache-2.0
#include "config/model/traffic_policy.h"

#include <gtest/gtest.h>

#include "config/reading/yaml/yaml_reader.h"

namespace mete::config {
namespace {

Documents policies_of(const std::string& spec) {
  return read_documents(
      "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: shop}\nspec: " + spec +
          "\n",
      "p.yaml");
}
TrafficPolicy policy_of(const std::string& spec) {
  auto documents = policies_of(spec);
  EXPECT_EQ(documents.traffic_policies.size(), 1U)
      << spec << (documents.errors.empty() ? "" : to_string(documents.errors.front()));
  return documents.traffic_policies.empty() ? TrafficPolicy() : documents.traffic_policies.front();
}
std::string policy_error(const std::string& spec) {
  const auto documents = policies_of(spec);
  EXPECT_TRUE(documents.traffic_policies.empty()) << spec;
  return documents.errors.empty() ? "" : to_string(documents.errors.front());
}

TEST(TrafficPolicyReader, HasKubernetesDefaults) {
  const auto all = policy_of("{podSelector: {}}");
  EXPECT_TRUE(all.about_ingress) << "always, unless it says otherwise";
  EXPECT_FALSE(all.about_egress);
  EXPECT_TRUE(all.pods.match_labels.empty() && all.ingress.empty());
  EXPECT_TRUE(policy_of("{podSelector: {}, egress: [{}]}").about_egress);
  const auto out = policy_of("{podSelector: {}, policyTypes: [Egress]}");
  EXPECT_TRUE(out.about_egress && !out.about_ingress);
}

TEST(TrafficPolicyReader, ReadsWhatKubernetesHas) {
  const auto policy = policy_of(
      "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, "
      "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}, podSelector: {}}, "
      "{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}], ports: [{port: 5432}, {protocol: UDP, port: 8000, "
      "endPort: 8010}, "
      "{port: http}, {protocol: SCTP}]}]}");
  ASSERT_EQ(policy.ingress.size(), 1U);
  const auto& rule = policy.ingress[0];
  ASSERT_EQ(rule.peers.size(), 3U);
  EXPECT_EQ(rule.peers[0].pods->match_labels.at("app"), "web");
  EXPECT_FALSE(rule.peers[0].namespaces.has_value());
  EXPECT_TRUE(rule.peers[1].namespaces && rule.peers[1].pods);
  EXPECT_EQ(to_string(rule.peers[2].block.value()), "10.0.0.0/8");
  EXPECT_EQ(to_string(rule.peers[2].except.at(0)), "10.1.0.0/16");
  const std::vector<TrafficPort> ports = {{Protocol::kTcp, 5432, 5432, ""},
                                          {Protocol::kUdp, 8000, 8010, ""},
                                          {Protocol::kTcp, 0, 0, "http"},
                                          {Protocol::kSctp, 0, 0, ""}};
  EXPECT_EQ(rule.ports, ports);
}

TEST(TrafficPolicyReader, RefusesWhatWouldAllowSomethingElse) {
  EXPECT_NE(
      policy_error("{podSelector: {}, ingress: [{from: [{}]}]}").find("podSelector, namespaceSelector or ipBlock"),
      std::string::npos);
  EXPECT_NE(policy_error("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]}")
                .find("one of them"),
            std::string::npos);
  EXPECT_NE(policy_error("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 'fd00::/8', except: [10.0.0.0/8]}}]}]}")
                .find("a part of fd00::/8"),
            std::string::npos);
  EXPECT_NE(policy_error("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]}")
                .find("a part of 10.0.0.0/8"),
            std::string::npos);
  EXPECT_NE(policy_error("{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 79}]}]}").find("not below `port`"),
            std::string::npos);
  EXPECT_NE(policy_error("{podSelector: {}, policyTypes: [Sideways]}").find("Ingress or Egress"), std::string::npos);
}

}  // namespace
}  // namespace mete::config
