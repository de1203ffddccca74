// SPDX-License-Identifier: Apache-2.0
#include "enforcers/reclaim_back_off.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using std::chrono::seconds;

const ReclaimBackOff::Moment kBackOffBegin = ReclaimBackOff::Moment() + std::chrono::hours(1);
constexpr Bytes kUsage(100 << 20);
constexpr Bytes kTarget(80 << 20);

// A rule that fires each second for ten minutes, and a reclaim that frees `freed` each time.
struct Tries {
  int tried = 0, told = 0;
};
Tries ten_minutes(ReclaimBackOff& back_off, Bytes freed) {
  Tries result;
  for (int second = 0; second < 600; ++second) {
    const auto at = kBackOffBegin + seconds(second);
    if (!back_off.due(at, kUsage)) continue;
    ++result.tried;
    result.told += back_off.ended(at, kUsage, kUsage - freed, kTarget) ? 1 : 0;
  }
  return result;
}

TEST(ReclaimBackOff, WhatIsInVainIsToldOnceAndTriedLaterAndLater) {
  ReclaimBackOff back_off;
  const Tries result = ten_minutes(back_off, Bytes(0));
  EXPECT_EQ(result.told, 1);
  EXPECT_EQ(result.tried, 14) << "after 2, 4, 8, 16, 32 s, then each minute";
}

TEST(ReclaimBackOff, SomePagesAreAsGoodAsNothing) {
  ReclaimBackOff back_off;
  EXPECT_EQ(ten_minutes(back_off, Bytes(4096)).told, 1);
}

TEST(ReclaimBackOff, WhatFreesSomethingIsTriedAndToldEachTime) {
  ReclaimBackOff back_off;
  EXPECT_EQ(ten_minutes(back_off, Bytes(5 << 20)).told, 600);
}

TEST(ReclaimBackOff, UsageThatHasGrownIsWorthATry) {
  ReclaimBackOff back_off;
  EXPECT_TRUE(back_off.ended(kBackOffBegin, kUsage, kUsage, kTarget));
  EXPECT_FALSE(back_off.due(kBackOffBegin + seconds(1), kUsage));
  EXPECT_TRUE(back_off.due(kBackOffBegin + seconds(1), Bytes(104 << 20)));
  EXPECT_FALSE(back_off.ended(kBackOffBegin + seconds(1), Bytes(104 << 20), Bytes(104 << 20), kTarget))
      << "told already";
  EXPECT_TRUE(back_off.ended(kBackOffBegin + seconds(9), kUsage, kTarget, kTarget));
  EXPECT_TRUE(back_off.ended(kBackOffBegin + seconds(10), kUsage, kUsage, kTarget)) << "it had been over in between";
}

}  // namespace
}  // namespace mete::enforcers
