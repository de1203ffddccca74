// SPDX-License-Identifier: Apache-2.0
// What the responder for names answers of a Service.
#include "agent/services/service_names.h"

#include <gtest/gtest.h>

#include "tests/support/addresses.h"

namespace mete::agent {
namespace {

Backend named(const char* name, const char* address, const char* subdomain = "") {
  Backend one{"default", name, {{"app", "db"}}, ip(address), true, {{.container_port = 5432, .name = "sql"}}};
  one.subdomain = subdomain;
  if (!one.subdomain.empty()) one.hostname = name;
  return one;
}
config::Service one_service(bool headless) {
  config::Service one;
  one.metadata.name = "db";
  one.selector = {{"app", "db"}};
  one.headless = headless;
  one.ports = {{"sql", config::Protocol::kTcp, 80, 0, "sql", 0}};
  return one;
}

TEST(ServiceNames, APortOfAServiceIsAtItsOwnName) {
  ServiceLease lease;
  lease.address = ip("10.79.0.7");
  const auto one = one_service(false);
  const auto name = service_name(one, lease, plan_service(one, lease, {named("db-0", "10.77.0.2")}), false);
  ASSERT_EQ(name.ports.size(), 1U);
  EXPECT_EQ(name.ports[0].where,
            (std::vector<dns::ServiceRecord>{{"db.default.svc.cluster.local", 80, {lease.address}}}));
  EXPECT_EQ(name.addresses, std::vector{lease.address});
}

TEST(ServiceNames, OfAHeadlessOneItIsAtEachPod) {
  const auto one = one_service(true);
  const auto plan = plan_service(one, {}, {named("db-0", "10.77.0.2", "db"), named("db-1", "10.77.0.3", "other")});
  const auto name = service_name(one, {}, plan, false);
  ASSERT_EQ(name.ports.at(0).where.size(), 2U);
  EXPECT_EQ(name.ports[0].where[0].target, "db-0.db.default.svc.cluster.local");
  EXPECT_EQ(name.ports[0].where[0].port, 5432);
  EXPECT_EQ(name.ports[0].where[1].target, "10-77-0-3.db.default.svc.cluster.local");
  EXPECT_EQ(name.hosts.size(), 1U) << "the other one is found by its hostname";
  EXPECT_EQ(name.hosts.at("10-77-0-3"), ip("10.77.0.3"));
}

TEST(ServiceNames, OfBothKindsItHasAddressesOfBoth) {
  auto one = one_service(true);
  one.family_policy = config::IpFamilyPolicy::kPreferDualStack;
  auto pod = named("db-0", "10.77.0.2");
  pod.address6 = ip("fd00::2");
  EXPECT_EQ(service_name(one, {}, plan_service(one, {}, {pod}), true).addresses.size(), 2U);
  EXPECT_EQ(service_name(one, {}, plan_service(one, {}, {pod}), false).addresses.size(), 1U);
  one = one_service(false);
  const ServiceLease lease{ip("10.79.0.7"), {}, 0, ip("fd00:79::7")};
  const auto plan = plan_service(one, lease, {pod});
  ASSERT_EQ(plan.ports.size(), 2U);
  EXPECT_EQ(plan.ports[1].endpoints.at(0).address, ip("fd00::2"));
  EXPECT_EQ(service_name(one, lease, plan, true).ports.at(0).where.at(0).addresses.size(), 2U);
}

TEST(ServiceNames, APortThatNoPodHasIsTold) {
  auto one = one_service(true);
  EXPECT_EQ(unknown_ports(one, plan_service(one, {}, {named("db-0", "10.77.0.2")})), "");
  one.ports[0].target_name = "http";
  const auto told = unknown_ports(one, plan_service(one, {}, {named("db-0", "10.77.0.2")}));
  EXPECT_NE(told.find("targetPort http: found no port of that name in pod db-0"), std::string::npos) << told;
}

}  // namespace
}  // namespace mete::agent
