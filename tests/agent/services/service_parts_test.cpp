// SPDX-License-Identifier: Apache-2.0
// Which address and ports a Service gets, and which pods are behind it.
#include <gtest/gtest.h>

#include "agent/services/service_leases.h"
#include "agent/services/service_plan.h"

namespace mete::agent {
namespace {

using config::Protocol;
using config::Service;
using config::ServiceType;

const config::IpRange kRange = config::parse_range("10.79.0.0/24").value();

Service service(const std::string& name, ServiceType type = ServiceType::kClusterIp) {
  Service one;
  one.metadata.name = name;
  one.type = type;
  one.selector = {{"app", "web"}};
  one.ports = {{"", Protocol::kTcp, 80, 8080, "", 0}};
  return one;
}

TEST(ServiceLeases, AreKeptWhileTheServiceExists) {
  const auto first = lease({service("a"), service("b", ServiceType::kNodePort)}, {}, {kRange, {}}, 7);
  ASSERT_EQ(first.leases.size(), 2U);
  const auto& a = first.leases.at("default/a");
  const auto& b = first.leases.at("default/b");
  EXPECT_TRUE(contains(kRange, a.address));
  EXPECT_NE(a.address, b.address);
  EXPECT_TRUE(a.node_ports.empty());
  EXPECT_GE(b.node_ports.at("TCP/80"), 30000);
  EXPECT_EQ(a.created, 7);
  const auto again =
      lease({service("a"), service("b", ServiceType::kNodePort), service("c")}, first.leases, {kRange, {}}, 9);
  EXPECT_EQ(again.leases.at("default/a"), a);
  EXPECT_EQ(again.leases.at("default/b"), b);
  EXPECT_EQ(again.leases.at("default/c").created, 9);
  EXPECT_EQ(lease({}, again.leases, {kRange, {}}, 9).leases.size(), 0U);
  EXPECT_EQ(parse_leases(to_json(again.leases)).value(), again.leases);
  EXPECT_FALSE(parse_leases("{\"a\": {\"address\": \"x\"}}").has_value());
}

TEST(ServiceLeases, WhatOneHasIsNotGivenToAnother) {
  const auto before = lease({service("a", ServiceType::kNodePort)}, {}, {kRange, {}}, 0).leases;
  Service asks = service("z", ServiceType::kNodePort);
  asks.address = before.at("default/a").address;
  asks.ports[0].node_port = before.at("default/a").node_ports.at("TCP/80");
  const auto after = lease({service("a", ServiceType::kNodePort), asks}, before, {kRange, {}}, 0);
  EXPECT_EQ(after.leases.at("default/a"), before.at("default/a"));
  EXPECT_FALSE(after.leases.contains("default/z"));
  ASSERT_EQ(after.refused.size(), 1U);
  EXPECT_NE(after.refused[0].second.find("which another Service has"), std::string::npos) << after.refused[0].second;
  // One that asks for what it has keeps it, whatever the order of the names.
  asks.metadata.name = "a";
  Service rival = asks;
  rival.metadata.name = "0";
  const auto kept = lease({rival, asks}, before, {kRange, {}}, 0);
  EXPECT_EQ(kept.leases.at("default/a"), before.at("default/a"));
  EXPECT_FALSE(kept.leases.contains("default/0"));
}

TEST(ServiceLeases, WhatIsAskedForIsNotChosenForAnother) {
  const auto chosen = lease({service("a", ServiceType::kNodePort)}, {}, {kRange, {}}, 0).leases.at("default/a");
  Service asks = service("z", ServiceType::kNodePort);
  asks.address = chosen.address;
  asks.ports[0].node_port = chosen.node_ports.at("TCP/80");
  const auto both = lease({service("a", ServiceType::kNodePort), asks}, {}, {kRange, {}}, 0);
  EXPECT_EQ(both.leases.at("default/z").address, chosen.address);
  EXPECT_NE(both.leases.at("default/a").address, chosen.address);
  EXPECT_NE(both.leases.at("default/a").node_ports, both.leases.at("default/z").node_ports);
}

TEST(ServiceLeases, WhatCannotBeIsRefusedWithItsReason) {
  Service one = service("one", ServiceType::kNodePort);
  one.address = config::parse_ip("10.79.0.9");
  one.ports[0].node_port = 30080;
  Service other = one;
  other.metadata.name = "other";
  Service outside = service("outside");
  outside.address = config::parse_ip("10.80.0.1");
  const auto leasing = lease({one, other, outside}, {}, {kRange, {}}, 0);
  EXPECT_EQ(leasing.leases.size(), 1U);
  ASSERT_EQ(leasing.refused.size(), 2U);
  EXPECT_NE(leasing.refused[0].second.find("which another Service has"), std::string::npos);
  EXPECT_NE(leasing.refused[1].second.find("expected an address of 10.79.0.0/24"), std::string::npos);
  std::vector<Service> many;
  for (int i = 0; i < 5; ++i) many.push_back(service(std::to_string(i)));
  const auto full = lease(many, {}, {config::parse_range("10.79.0.0/30").value(), {}}, 0);
  EXPECT_EQ(full.leases.size(), 2U) << "four addresses, the first and the last of which nobody has";
  EXPECT_EQ(full.refused.size(), 3U);
}

TEST(ServiceLeases, HeadlessOnesAndNamesHaveNoAddress) {
  Service headless = service("h");
  headless.headless = true;
  Service name = service("n", ServiceType::kExternalName);
  for (const auto& [key, each] : lease({headless, name}, {}, {kRange, {}}, 0).leases)
    EXPECT_EQ(each.address, config::IpAddress{}) << key;
}

Backend backend(const std::string& name, const char* address, bool ready = true) {
  return {"default", name, {{"app", "web"}, {"x", "y"}}, config::parse_ip(address).value(), ready, {}};
}

TEST(ServiceLeases, OfIPv6WhereTheMachineHasThem) {
  const ServiceRanges both{kRange, config::parse_range("fd00:79::/112").value()};
  Service dual = service("dual");
  dual.family_policy = config::IpFamilyPolicy::kPreferDualStack;
  Service six = service("six");
  six.v6_first = true;
  const auto leases = lease({dual, six, service("four")}, {}, both, 0).leases;
  EXPECT_TRUE(contains(kRange, leases.at("default/dual").address));
  EXPECT_TRUE(contains(*both.v6, leases.at("default/dual").address6));
  EXPECT_EQ(leases.at("default/six").address, config::IpAddress{});
  EXPECT_TRUE(contains(*both.v6, leases.at("default/six").address6));
  EXPECT_EQ(leases.at("default/four").address6, config::IpAddress{});
  EXPECT_EQ(parse_leases(to_json(leases)).value(), leases);
  EXPECT_EQ(lease({dual, six, service("four")}, leases, both, 0).leases, leases);
  // Without IPv6 what prefers it goes without, and what requires it is refused.
  const auto without = lease({dual, six}, {}, {kRange, {}}, 0);
  EXPECT_EQ(without.leases.size(), 1U);
  EXPECT_NE(without.refused.at(0).second.find("services6"), std::string::npos) << without.refused[0].second;
}

TEST(ServicePlan, HasTheReadyPodsThatHaveAllLabels) {
  Service web = service("web");
  Backend elsewhere = backend("elsewhere", "10.77.0.9");
  elsewhere.space = "shop";
  Backend other = backend("other", "10.77.0.8");
  other.labels = {{"x", "y"}};
  const std::vector<Backend> pods = {backend("a", "10.77.0.2"), backend("b", "10.77.0.3", false), elsewhere, other};
  const ServiceLease lease{config::parse_ip("10.79.0.5").value(), {{"TCP/80", 30080}}, 0};
  auto plan = plan_service(web, lease, pods);
  ASSERT_EQ(plan.ports.size(), 1U);
  EXPECT_EQ(plan.ports[0].node_port, 30080);
  ASSERT_EQ(plan.ports[0].endpoints.size(), 1U);
  EXPECT_EQ(to_string(plan.ports[0].endpoints[0].address), "10.77.0.2");
  EXPECT_EQ(plan.ports[0].endpoints[0].port, 8080);
  EXPECT_EQ(plan.not_ready.size(), 1U);
  web.with_not_ready = true;
  EXPECT_EQ(plan_service(web, lease, pods).ready.size(), 2U);
  web.selector.clear();
  EXPECT_TRUE(plan_service(web, lease, pods).ready.empty()) << "nothing, not everything";
}

TEST(ServicePlan, ANamedPortIsEachPodsOwn) {
  Service web = service("web");
  web.ports[0].target = 0;
  web.ports[0].target_name = "http";
  Backend a = backend("a", "10.77.0.2");
  a.ports = {{.container_port = 53, .protocol = Protocol::kUdp, .name = "http"},
             {.container_port = 81, .name = "http"}};
  Backend b = backend("b", "10.77.0.3");
  b.ports = {{.container_port = 82, .name = "http"}};
  const ServiceLease lease{config::parse_ip("10.79.0.5").value(), {}, 0};
  const auto plan = plan_service(web, lease, {a, b, backend("without", "10.77.0.4")});
  ASSERT_EQ(plan.ports[0].endpoints.size(), 2U);
  EXPECT_EQ(plan.ports[0].endpoints[0].port, 81);
  EXPECT_EQ(plan.ports[0].endpoints[1].port, 82);
  EXPECT_EQ(plan.ready.size(), 3U);
}

}  // namespace
}  // namespace mete::agent
