// SPDX-License-Identifier: Apache-2.0
#include "config/model/bandwidth.h"

#include <gtest/gtest.h>

namespace mete::config {
namespace {

TEST(Bandwidth, WordsSayWhatTheyLimit) {
  Bandwidth bandwidth;
  EXPECT_TRUE(set_bandwidth(bandwidth, "ingress=10M") && set_bandwidth(bandwidth, "burst=256Ki"));
  EXPECT_EQ(bandwidth, (Bandwidth{10'000'000, {}, 262'144}));
  for (const auto* word : {"egress=999", "egress=2P", "egress=", "egress", "burst=1", "burst=2Gi", "mtu=1500", ""}) {
    const auto set = set_bandwidth(bandwidth, word);
    ASSERT_FALSE(set) << word;
    EXPECT_NE(set.error().what.find("expected"), std::string::npos) << set.error().what;
  }
  EXPECT_EQ(bandwidth, (Bandwidth{10'000'000, {}, 262'144})) << "a word that is refused changes nothing";
}

TEST(Bandwidth, APolicyIsABound) {
  const Bandwidth asked{10, 20, 5000};
  EXPECT_EQ(bounded(asked, {}), asked);
  EXPECT_EQ(bounded(asked, {4, 30, {}}), (Bandwidth{4, 20, 5000}));
  EXPECT_EQ(bounded({}, {4, {}, 6000}), (Bandwidth{4, {}, 6000}));
  EXPECT_EQ(merged(asked, {{}, 7, {}}), (Bandwidth{10, 7, 5000}));
}

}  // namespace
}  // namespace mete::config
