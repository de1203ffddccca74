// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/traffic_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/addresses.h"

namespace mete::runtime::network {
namespace {

// `count` pods: all are closed, and all are peers of all.
TrafficPlan plan_of(unsigned count) {
  TrafficPlan plan;
  AllowedTraffic allowed;
  allowed.peers = 7;
  plan.peers[7];
  plan.ingress.chains[9] = {allowed};
  for (unsigned i = 0; i < count; ++i) {
    const IpAddress address = config::nth(config::parse_range("10.77.0.0/16").value(), 2 + i);
    plan.peers[7].members.push_back({address});
    plan.ingress.closed[address] = 9;
  }
  return plan;
}

TEST(Traffic, APodChangesItsOwnElementsWhateverThereIs) {
  for (const unsigned count : {1U, 10U, 500U}) {
    const auto change = difference(plan_of(count), plan_of(count + 1));
    ASSERT_TRUE(change);
    EXPECT_EQ(change->added.elements.size(), 2U) << "in its set and to its chain";
    EXPECT_TRUE(change->added.rules.empty() && change->added.chains.empty() && change->added.sets.empty());
    EXPECT_TRUE(change->removed.elements.empty());
    const auto back = difference(plan_of(count + 1), plan_of(count));
    EXPECT_EQ(back->removed.elements.size(), 2U);
    EXPECT_TRUE(back->added.elements.empty());
  }
  EXPECT_TRUE(difference(plan_of(3), plan_of(3))->added.elements.empty());
}

TEST(Traffic, AChainComesAndGoesWithItsSets) {
  const auto change = difference({}, plan_of(1));
  ASSERT_TRUE(change);
  EXPECT_EQ(change->added.chains.size(), 1U);
  EXPECT_EQ(change->added.sets.size(), 2U) << "IPv4 and IPv6";
  EXPECT_EQ(change->added.rules.size(), 3U) << "IPv4, IPv6, and the end of everything else";
  EXPECT_EQ(change->added.elements.size(), 2U);
  const auto gone = difference(plan_of(1), {});
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->removed.chains.size(), 1U);
  EXPECT_EQ(gone->removed.sets.size(), 2U);
  EXPECT_EQ(gone->removed.elements.size(), 1U) << "those of the set go with it";
}

TEST(Traffic, ANumberThatStandsForSomethingElseIsNoDifference) {
  TrafficPlan other = plan_of(1);
  other.ingress.chains[9].front().protocol = config::Protocol::kUdp;
  EXPECT_FALSE(difference(plan_of(1), other));
  other = plan_of(1);
  other.peers[7].with_ports = true;
  EXPECT_FALSE(difference(plan_of(1), other));
}

TEST(Traffic, AnAddressMayLeadToAnotherChain) {
  TrafficPlan other = plan_of(1);
  other.ingress.chains[10] = {};
  other.ingress.closed.begin()->second = 10;
  other.ingress.chains.erase(9);
  const auto change = difference(plan_of(1), other);
  ASSERT_TRUE(change);
  const auto of_map = [](const nft::Table& table) {
    return std::count_if(table.elements.begin(), table.elements.end(),
                         [](const auto& each) { return each.set == "closed-in4"; });
  };
  EXPECT_EQ(of_map(change->added), 1);
  EXPECT_EQ(of_map(change->removed), 1);
  EXPECT_EQ(change->removed.chains.front().name, "in-00000009");
}

TEST(Traffic, AnAddressOfIPv6HasSetsOfItsOwn) {
  TrafficPlan plan = plan_of(1);
  plan.ingress.closed[ip("fd00::2")] = 9;
  plan.peers[7].with_ports = true;
  plan.peers[7].members = {{ip("fd00::2"), config::Protocol::kUdp, 53}};
  nft::Table table;
  add_traffic(plan, table);
  const auto key = [&](const char* set) {
    const auto found =
        std::find_if(table.elements.begin(), table.elements.end(), [&](const auto& each) { return each.set == set; });
    return found == table.elements.end() ? std::string() : found->key;
  };
  EXPECT_EQ(key("closed-in6").size(), 16U);
  EXPECT_EQ(key("peers-00000007-6").size(), 24U) << "address, protocol, port: each at a register";
}

}  // namespace
}  // namespace mete::runtime::network
