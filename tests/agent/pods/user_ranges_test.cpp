// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/user_ranges.h"

#include <gtest/gtest.h>

namespace mete::agent {
namespace {

constexpr std::uint32_t kFirst = 0x70000000;

TEST(UserRanges, TheLowestThatNobodyHas) {
  EXPECT_EQ(free_user_range({}, {}).value(), kFirst);
  EXPECT_EQ(free_user_range({kFirst, kFirst + 2 * 65536}, {}).value(), kFirst + 65536);
  EXPECT_EQ(free_user_range({}, {{kFirst + 65535, 1}}).value(), kFirst + 65536);
  EXPECT_EQ(free_user_range({}, {{0, 65536}, {kFirst - 5, 6}}).value(), kFirst + 65536);
  EXPECT_EQ(free_user_range({}, {{kFirst - 5, 5}}).value(), kFirst);
}

TEST(UserRanges, NoneIsAnError) {
  EXPECT_FALSE(free_user_range({}, {{0, std::uint64_t{1} << 32U}}));
}

TEST(UserRanges, LinesOfSubuid) {
  EXPECT_EQ(parse_subordinate_ids("app:100000:65536\n\n# x\nbroken:1\nother:7:x\nme:1:2"),
            (std::vector<GivenAway>{{100000, 65536}, {1, 2}}));
}

}  // namespace
}  // namespace mete::agent
