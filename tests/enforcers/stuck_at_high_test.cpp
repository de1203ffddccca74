// SPDX-License-Identifier: Apache-2.0
#include "enforcers/stuck_at_high.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using namespace std::chrono_literals;

const Moment kStuckBegin = Moment(1h);
constexpr Bytes kHigh{100 << 20};

// When it is found stuck, in seconds; -1: not within a minute.
long stuck_after(StuckAtHigh& stuck, Bytes usage, double share, Moment from = kStuckBegin) {
  for (long i = 0; i <= 60; ++i) {
    if (stuck.see(from + i * 1s, usage, kHigh, static_cast<std::uint64_t>(share * 1e9 * static_cast<double>(i))))
      return i;
  }
  return -1;
}

TEST(StuckAtHigh, WhoWaitsForMostOfTenSecondsIs) {
  StuckAtHigh stuck;
  EXPECT_EQ(stuck_after(stuck, kHigh, 0.95), 10);
}

TEST(StuckAtHigh, WhoGetsOnIsNot) {
  StuckAtHigh stuck;
  EXPECT_EQ(stuck_after(stuck, kHigh, 0.5), -1);
}

TEST(StuckAtHigh, WhoIsBelowItIsNot) {
  StuckAtHigh stuck;
  EXPECT_EQ(stuck_after(stuck, Bytes(90 << 20), 1.0), -1);
}

TEST(StuckAtHigh, AMomentBelowBeginsAnew) {
  StuckAtHigh stuck;
  for (int i = 0; i < 9; ++i)
    EXPECT_FALSE(stuck.see(kStuckBegin + i * 1s, kHigh, kHigh, static_cast<std::uint64_t>(i) * 1'000'000'000));
  EXPECT_FALSE(stuck.see(kStuckBegin + 9s, Bytes(1 << 20), kHigh, 9'000'000'000));
  EXPECT_EQ(stuck_after(stuck, kHigh, 1.0, kStuckBegin + 10s), 10);
}

// Linux 6.1 without PSI: 17 for each sleep of 2.03 s.
TEST(StuckAtHigh, WithoutPsiTheCounterTells) {
  StuckAtHigh stuck;
  const auto see = [&](double each_second, Bytes reclaimable, Moment from) {
    for (long i = 0; i <= 60; ++i) {
      const auto stalled =
          stalled_at_high(static_cast<std::uint64_t>(each_second * static_cast<double>(i)), reclaimable, kHigh);
      if (!stalled) {
        stuck.forget();
      } else if (stuck.see(from + i * 1s, kHigh, kHigh, *stalled)) {
        return i;
      }
    }
    return -1L;
  };
  EXPECT_EQ(see(8.4, Bytes(0), kStuckBegin), 10);
  stuck.forget();
  EXPECT_EQ(see(3, Bytes(0), kStuckBegin), -1) << "it gets on for most of the time";
  stuck.forget();
  EXPECT_EQ(see(500, Bytes(50 << 20), kStuckBegin), -1) << "it reclaims its page cache";
}

}  // namespace
}  // namespace mete::enforcers
