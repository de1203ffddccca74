// SPDX-License-Identifier: Apache-2.0
#include "enforcers/cpu_boost.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using namespace std::chrono_literals;

const Moment kBoostBegin{1h};
const config::CpuBoost kBoost{.when_throttled = Ratio(250'000),
                              .over = 10s,
                              .factor = Ratio(1'200'000),
                              .max = Ratio(3'000'000),
                              .cool_down = 60s};

BoostFacts facts(std::chrono::microseconds quota, double idle, double cpus = 4) {
  return {.base = 50ms, .quota = quota, .period = 100ms, .idle_cores = idle, .cpus = cpus};
}

// `seconds` at 10 periods a second, of which so many are throttled, using so many cores.
struct Course {
  CpuBooster booster;
  CpuMoment now{kBoostBegin, 1000, 500, 100s};

  void go(int seconds, std::uint64_t throttled_a_second, double cores = 0.5) {
    booster.see(now, kBoost.over);
    for (int i = 0; i < seconds; ++i) {
      now.at += 1s;
      now.periods += 10;
      now.throttled += throttled_a_second;
      now.usage += std::chrono::nanoseconds(static_cast<std::int64_t>(cores * 1e9));
      booster.see(now, kBoost.over);
    }
  }
  std::optional<BoostDecision> decide(const BoostFacts& facts) { return booster.decide(kBoost, facts, now.at); }
};

TEST(CpuBoost, WaitsForItsWholeTime) {
  Course run;
  run.go(9, 10);
  EXPECT_FALSE(run.decide(facts(50ms, 3)));
  run.go(1, 10);
  const auto decision = run.decide(facts(50ms, 3));
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision->quota, 60ms);
  EXPECT_EQ(decision->because, "throttled in 100% of its periods, and 75% of the machine is idle");
  EXPECT_FALSE(run.decide(facts(60ms, 3))) << "the next step is measured anew";
}

TEST(CpuBoost, ShortOfTheShareNothingHappens) {
  Course run;
  run.go(10, 2);
  EXPECT_FALSE(run.decide(facts(50ms, 3)));
  run.go(10, 3);
  EXPECT_TRUE(run.decide(facts(50ms, 3)));
}

TEST(CpuBoost, NeverAboveItsMaximumNorWhatTheMachineHasLeft) {
  Course run;
  run.go(10, 10);
  EXPECT_EQ(run.decide(facts(140ms, 3))->quota, 150ms) << "300% of its own";
  run.go(10, 10);
  EXPECT_FALSE(run.decide(facts(150ms, 3)));
  run.go(10, 10);
  EXPECT_NEAR(static_cast<double>(run.decide(facts(50ms, 0.45))->quota.count()), 55'000, 1)
      << "a tenth of the machine stays idle: 0.4 cores of 4";
  run.go(10, 10);
  EXPECT_FALSE(run.decide(facts(50ms, 0.4)));
  run.go(10, 10);
  EXPECT_FALSE(run.decide(facts(100ms, 0.9, 1))) << "not more than all CPUs";
}

TEST(CpuBoost, IsGivenBackAtOnceWhenOthersNeedItAndCoolsDown) {
  Course run;
  const auto decision = run.decide(facts(90ms, 0.1));
  ASSERT_TRUE(decision) << "without waiting for a full window";
  EXPECT_EQ(decision->quota, 50ms);
  run.go(59, 10);
  EXPECT_FALSE(run.decide(facts(50ms, 3)));
  run.go(1, 10);
  EXPECT_TRUE(run.decide(facts(50ms, 3)));
  EXPECT_FALSE(Course().decide(facts(50ms, 0.1))) << "there is nothing to give back";
}

TEST(CpuBoost, IsGivenBackWhenItIsNotWantedAnyMore) {
  Course run;
  run.go(10, 0, 0.45);
  EXPECT_EQ(run.decide(facts(90ms, 3))->quota, 50ms);
  Course busy;
  busy.go(10, 0, 0.8);
  EXPECT_FALSE(busy.decide(facts(90ms, 3))) << "it uses what it was given";
}

TEST(CpuBoost, CountersThatGoBackBeginAnew) {
  Course run;
  run.go(10, 10);
  run.now = {run.now.at + 1s, 5, 5, 1s};
  run.go(5, 10);
  EXPECT_FALSE(run.decide(facts(50ms, 3)));
  EXPECT_FALSE(run.booster.throttled(10s));
}

}  // namespace
}  // namespace mete::enforcers
