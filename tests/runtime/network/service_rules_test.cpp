// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/service_rules.h"

#include <gtest/gtest.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <map>

#include "runtime/network/rules.h"

namespace mete::runtime::network {
namespace {

ServiceEndpoint at(const char* address, std::uint16_t port = 80) {
  return {config::parse_ip(address).value(), port};
}
ServedPort served(std::vector<ServiceEndpoint> endpoints) {
  ServedPort port;
  port.address = config::parse_ip("10.79.0.7").value();
  port.port = 80;
  port.endpoints = std::move(endpoints);
  return port;
}
std::map<ServiceEndpoint, int> counts(const ServedPort& port) {
  std::map<ServiceEndpoint, int> all;
  for (const auto& each : places_of(port)) ++all[each];
  return all;
}

TEST(ServicePlaces, AreSharedEvenly) {
  const auto three = counts(served({at("10.77.0.2"), at("10.77.0.3"), at("10.77.0.4")}));
  ASSERT_EQ(three.size(), 3U);
  for (const auto& [endpoint, count] : three) EXPECT_TRUE(count == 42 || count == 43) << count;
  EXPECT_TRUE(places_of(served({})).empty());
  EXPECT_EQ(counts(served({at("10.77.0.2"), at("10.77.0.2")})).size(), 1U);
}

TEST(ServicePlaces, AClientKeepsItsEndpointWhenAnotherGoes) {
  ServedPort before = served({at("10.77.0.2"), at("10.77.0.3"), at("10.77.0.4"), at("10.77.0.5")});
  before.by_client = true;
  ServedPort after = before;
  after.endpoints.erase(after.endpoints.begin() + 1);
  const auto old = places_of(before);
  const auto now = places_of(after);
  for (std::size_t i = 0; i < kSlots; ++i)
    if (old[i] != at("10.77.0.3")) {
      EXPECT_EQ(old[i], now[i]) << i;
    }
  for (const auto& [endpoint, count] : counts(before)) EXPECT_GT(count, 10);
}

TEST(ServiceRules, AChangeIsAsSmallAsItIs) {
  const ServicePlan one{config::parse_range("10.79.0.0/16").value(), {served({at("10.77.0.2")})}};
  EXPECT_TRUE(change_pod_rules("mete", {one, {}}, {one, {}})->empty());
  ServicePlan two = one;
  two.ports.push_back(served({at("10.77.0.3")}));
  two.ports.back().port = 81;
  EXPECT_EQ(change_pod_rules("mete", {one, {}}, {two, {}})->size(), 1U) << "one message of new elements";
  EXPECT_FALSE(change_pod_rules("mete", {}, {one, {}}).has_value()) << "the chains are others";
  ServicePlan other = one;
  other.ports[0].endpoints = {at("10.77.0.9")};
  const auto messages = change_pod_rules("mete", {one, {}}, {other, {}}).value();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].type(), NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_DELSETELEM) << "the old ones go first";
}

TEST(ServiceRules, ANodePortAndAffinityHaveMapsOfTheirOwn) {
  ServicePlan plan{config::parse_range("10.79.0.0/16").value(), {served({at("10.77.0.2")})}};
  EXPECT_EQ(elements_of(plan).size(), kSlots);
  EXPECT_EQ(elements_of(plan).front().set, "services4");
  plan.ports[0].node_port = 30080;
  plan.ports[0].by_client = true;
  const auto elements = elements_of(plan);
  EXPECT_EQ(elements.size(), 2 * kSlots);
  for (const auto& each : elements) EXPECT_TRUE(each.set == "services4-by-client" || each.set == "nodes4-by-client");
  const auto tables = tables_of("mete", {NetworkSpec{}}, {plan.range});
  for (const auto& each : elements) {
    const auto has = [&](const nft::Set& set) { return set.name == each.set; };
    EXPECT_TRUE(std::any_of(tables.inet.sets.begin(), tables.inet.sets.end(), has)) << each.set;
  }
}

TEST(ServiceRules, AnAddressOfIPv6HasMapsOfItsOwn) {
  ServedPort port = served({at("fd00::2")});
  port.address = config::parse_ip("fd00:79::7").value();
  const ServicePlan plan{
      config::parse_range("10.79.0.0/16").value(), {port}, config::parse_range("fd00:79::/112").value()};
  const auto elements = elements_of(plan);
  ASSERT_EQ(elements.size(), kSlots);
  EXPECT_EQ(elements.front().set, "services6");
  EXPECT_EQ(elements.front().key.size(), 28U) << "address, protocol, port, place";
  EXPECT_EQ(elements.front().value.size(), 20U);
  EXPECT_FALSE(change_pod_rules("mete", {ServicePlan{plan.range, {}}, {}}, {plan, {}})) << "chains are to change";
}

}  // namespace
}  // namespace mete::runtime::network
