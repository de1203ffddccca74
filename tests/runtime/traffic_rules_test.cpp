// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/traffic_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace mete::runtime::network {
namespace {

bool has(const AllowedTraffic& box, std::uint32_t peer, std::uint32_t protocol, std::uint32_t port) {
  const auto in = [](const Span& span, std::uint32_t value) { return span.first <= value && value <= span.last; };
  return in(box.peers, peer) && in(box.protocols, protocol) && in(box.ports, port);
}

TEST(Traffic, RangesAreNumbers) {
  EXPECT_EQ(span_of(config::parse_range("10.0.0.0/8").value()), (Span{0x0A000000U, 0x0AFFFFFFU}));
  EXPECT_EQ(span_of(config::parse_range("0.0.0.0/0").value()), (Span{0, 0xFFFFFFFFU}));
  EXPECT_EQ(minus({0, 0xFFFFFFFFU}, {{0, 9}, {20, 29}, {0xFFFFFFF0U, 0xFFFFFFFFU}}),
            (std::vector<Span>{{10, 19}, {30, 0xFFFFFFEFU}}));
  EXPECT_TRUE(minus({5, 7}, {{0, 9}}).empty());
}

TEST(Traffic, BoxesThatHaveNothingInCommonAllowTheSame) {
  std::mt19937 random(20);
  const auto span = [&] {
    const auto first = static_cast<std::uint32_t>(random() % 8);
    return Span{first, first + static_cast<std::uint32_t>(random() % (8 - first))};
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<AllowedTraffic> boxes;
    for (unsigned i = 0; i < 1 + random() % 4; ++i) boxes.push_back({span(), span(), span()});
    const auto apart = disjoint(boxes);
    for (std::uint32_t at = 0; at < 512; ++at) {
      const auto count = [&](const std::vector<AllowedTraffic>& all) {
        return std::count_if(all.begin(), all.end(),
                             [&](const auto& box) { return has(box, at / 64, at / 8 % 8, at % 8); });
      };
      ASSERT_EQ(count(boxes) > 0, count(apart) > 0);
      ASSERT_LE(count(apart), 1) << "the kernel refuses two elements for one packet";
    }
  }
  EXPECT_EQ(disjoint({{}, {{7, 7}, {6, 6}, {80, 80}}}).size(), 1U) << "everything is allowed already";
}

TEST(Traffic, APodHasElementsInTheDirectionsThatAreClosed) {
  ClosedPod pod;
  pod.address = config::parse_ip("10.77.0.2").value();
  pod.ingress.emplace();
  const auto closed = elements_of(TrafficPlan{{pod}});
  ASSERT_EQ(closed.size(), 1U) << "nothing is allowed";
  EXPECT_EQ(closed[0].set, "closed-in4");
  pod.address6 = config::parse_ip("fd00::2");
  pod.egress = {AllowedTraffic{}};
  const auto both = elements_of(TrafficPlan{{pod}});
  ASSERT_EQ(both.size(), 5U);
  EXPECT_EQ(both.back().set, "allowed-out");
  EXPECT_EQ(both.back().key.size(), 16U);
  EXPECT_EQ(both.back().key.substr(0, 4), both.back().last.substr(0, 4)) << "of this pod alone";
  EXPECT_EQ(both.back().last.substr(4, 4), "\xFF\xFF\xFF\xFF");
}

}  // namespace
}  // namespace mete::runtime::network
