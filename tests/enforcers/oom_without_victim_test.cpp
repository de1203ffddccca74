// SPDX-License-Identifier: Apache-2.0
#include "enforcers/oom_without_victim.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using std::chrono::milliseconds;

const OomWithoutVictim::Moment kOomBegin = OomWithoutVictim::Moment() + std::chrono::hours(1);

// Wakes 100 times a second; how many times it was found, and when first.
struct Woken {
  int found = 0;
  long first = 0;  // ms
  std::uint64_t times = 0;
};
Woken wake(OomWithoutVictim& state, long ms, std::uint64_t ooms_each, std::uint64_t from = 0, long begin = 0) {
  Woken result;
  for (long at = begin; at < begin + ms; at += 10) {
    from += ooms_each;
    const auto found = state.see(kOomBegin + milliseconds(at), from);
    if (!found) continue;
    if (result.found++ == 0) {
      result.first = at;
      result.times = found->times;
    }
  }
  return result;
}

TEST(OomWithoutVictim, IsToldOnceAfterTwoSeconds) {
  OomWithoutVictim state;
  const Woken result = wake(state, 60'000, 5);
  EXPECT_EQ(result.found, 1);
  EXPECT_EQ(result.first, 2'000);
  EXPECT_EQ(result.times, 1'000U);
  EXPECT_TRUE(state.holds(kOomBegin + milliseconds(60'000)));
  EXPECT_FALSE(state.holds(kOomBegin + milliseconds(66'000)));
}

TEST(OomWithoutVictim, AtItsLimitWithPageCacheIsNot) {
  OomWithoutVictim state;
  EXPECT_EQ(wake(state, 60'000, 0, 7).found, 0) << "wake-ups, and the kernel counts no OOM";
}

TEST(OomWithoutVictim, AFewAreNot) {
  OomWithoutVictim state;
  int found = 0;
  for (int i = 0; i < 15; ++i) found += state.see(kOomBegin + milliseconds(400 * i), i).has_value() ? 1 : 0;
  EXPECT_EQ(found, 0);
}

TEST(OomWithoutVictim, AKillBeginsAnew) {
  OomWithoutVictim state;
  EXPECT_EQ(wake(state, 1'900, 5).found, 0);
  state.forget();
  EXPECT_EQ(wake(state, 1'900, 5, 1'000, 1'900).found, 0);
  EXPECT_EQ(wake(state, 1'000, 5, 2'000, 3'800).found, 1);
  state.forget();
  EXPECT_FALSE(state.holds(kOomBegin + milliseconds(4'800)));
}

TEST(OomWithoutVictim, IsToldAgainWhenItHadBeenOver) {
  OomWithoutVictim state;
  EXPECT_EQ(wake(state, 3'000, 5).found, 1);
  EXPECT_EQ(wake(state, 3'000, 5, 1'500, 20'000).found, 1);
}

TEST(OomWithoutVictim, ATimeInWhichNobodyLookedIsNoEnd) {
  OomWithoutVictim state;
  EXPECT_EQ(wake(state, 3'000, 5).found, 1);
  EXPECT_EQ(wake(state, 3'000, 5, 10'000, 20'000).found, 0) << "500 a second all the time";
}

TEST(OomWithoutVictim, OnV1EachWakeUpIsAnOom) {
  OomWithoutVictim state;
  int found = 0;
  for (long at = 0; at < 3'000; at += 10) found += state.see(kOomBegin + milliseconds(at), std::nullopt) ? 1 : 0;
  EXPECT_EQ(found, 1);
}

}  // namespace
}  // namespace mete::enforcers
