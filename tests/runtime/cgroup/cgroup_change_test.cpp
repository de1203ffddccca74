// SPDX-License-Identifier: Apache-2.0
// From any limits to any others: each write must be one that the kernel takes, with a parent and a child that leave no
// room.
#include <gtest/gtest.h>

#include "runtime/cgroup/limits/bandwidth_steps.h"
#include "tests/runtime/cgroup/cgroup_model.h"

namespace mete::runtime::cgroup {
namespace {

bool is_between(std::int64_t value, std::int64_t a, std::int64_t b) {
  return value >= std::min(a, b) && value <= std::max(a, b);
}

// No value is ever outside of what it was and what it will be, but for a quota that is lifted where the shares are so
// near to each other that no steps lead from one to the other.
void expect_between(const Values& at, const Values& from, const Values& to) {
  EXPECT_TRUE(is_between(at.period, from.period, to.period));
  EXPECT_TRUE(is_between(at.burst, from.burst, to.burst));
  EXPECT_TRUE(is_between(at.rt_runtime, from.rt_runtime, to.rt_runtime));
  EXPECT_TRUE(is_between(at.rt_period, from.rt_period, to.rt_period));
  EXPECT_TRUE(is_between(sized(at.memory), sized(from.memory), sized(to.memory)));
  EXPECT_TRUE(is_between(sized(at.both), sized(from.both), sized(to.both)));
  if (at.quota != kUnlimited) {
    EXPECT_TRUE(is_between(sized(at.quota), sized(from.quota), sized(to.quota)));
  }
}

TEST(ChangeOfLimits, EveryValidEndIsReachedOnV1WithoutRoomAboveOrBelow) {
  Random random(20261129);
  int lifted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Values from = random.values();
    Values to = random.values();
    // Realtime has no unlimited share: for the same share in another period there is no way when parent and child leave
    // no room.
    const auto from_rt = ratio(from.rt_runtime, from.rt_period);
    const auto to_rt = ratio(to.rt_runtime, to.rt_period);
    const bool near = from_rt != 0 && to_rt != 0 && std::abs(from_rt - to_rt) * 2 < std::max(from_rt, to_rt);
    if (near) to.rt_runtime = from.rt_runtime, to.rt_period = from.rt_period;
    const auto share = ratio(from.quota, from.period);
    const auto next = ratio(to.quota, to.period);
    const auto rt_after = ratio(to.rt_runtime, to.rt_period);
    Kernel kernel{from, std::max(share, next), std::min(share, next), std::max(from_rt, rt_after),
                  std::min(from_rt, rt_after)};
    const auto writes = plan_writes(limits_of(to, true), v1(), present_of(from));
    ASSERT_TRUE(writes) << writes.error().what;
    bool was_lifted = false;
    for (const auto& write : *writes) {
      ASSERT_TRUE(kernel.write(write)) << write.file << " " << write.text << "\n" << text(from) << "\n" << text(to);
      expect_between(kernel.now, from, to);
      was_lifted = was_lifted || (kernel.now.quota == kUnlimited && from.quota != kUnlimited && to.quota != kUnlimited);
    }
    lifted += was_lifted ? 1 : 0;
    ASSERT_EQ(kernel.now, to) << text(from);
  }
  EXPECT_LT(lifted, 4'000) << "the way out is for shares that are nearly the same";
}

TEST(ChangeOfLimits, EveryValidEndIsReachedOnV2) {
  Random random(42);
  for (int round = 0; round < 5'000; ++round) {
    const Values from = random.values();
    const Values to = random.values();
    Kernel kernel{from, 0, 0, kHuge, 0, false};
    Present present = present_of(from);
    present.rt.reset();
    const auto writes = plan_writes(limits_of(to, false), v2(), present);
    ASSERT_TRUE(writes) << writes.error().what;
    for (const auto& write : *writes)
      ASSERT_TRUE(kernel.write(write)) << write.file << " " << write.text << "\n" << text(from) << "\n" << text(to);
    EXPECT_EQ(kernel.now.quota, to.quota);
    EXPECT_EQ(kernel.now.period, to.period);
    EXPECT_EQ(kernel.now.burst, to.burst);
    EXPECT_EQ(kernel.now.memory, to.memory);
  }
}

TEST(BandwidthSteps, TheSameShareInAnotherPeriodGoesBelowOrIsLifted) {
  using Steps = std::vector<BandwidthStep>;
  const BandwidthStep period{true, microseconds(200'000)};
  const BandwidthStep quota{false, microseconds(100'000)};
  EXPECT_EQ(bandwidth_steps(share(50'000, 100'000), share(100'000, 200'000), Detour::kBelow), (Steps{period, quota}));
  EXPECT_EQ(bandwidth_steps(share(50'000, 100'000), share(100'000, 200'000), Detour::kAbove), (Steps{quota, period}));
  EXPECT_EQ(bandwidth_steps(share(50'000, 100'000), share(100'000, 200'000), Detour::kUnlimited),
            (Steps{{false, {}}, period, quota}));
  EXPECT_EQ(bandwidth_steps(share(5, 10), share(5, 10), Detour::kBelow), Steps{});
  EXPECT_EQ(bandwidth_steps(share(50'000, 100'000), share(100'000, 100'000), Detour::kBelow), (Steps{quota}));
}

TEST(BandwidthSteps, BothGrowInTurn) {
  // From a half to two thirds of another period: time first would be 2.0, period first a sixth.
  const auto steps = bandwidth_steps(share(50'000, 100'000), share(200'000, 300'000), Detour::kBelow);
  ASSERT_GT(steps.size(), 2U);
  std::int64_t time = 50'000;
  std::int64_t period = 100'000;
  for (const auto& step : steps) {
    (step.of_period ? period : time) = step.value.value().count();
    EXPECT_GE(2 * time, period);
    EXPECT_LE(3 * time, 2 * period);
  }
  EXPECT_EQ(time, 200'000);
  EXPECT_EQ(period, 300'000);
}

}  // namespace
}  // namespace mete::runtime::cgroup
