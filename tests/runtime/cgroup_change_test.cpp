// SPDX-License-Identifier: Apache-2.0
// From any limits to any others: each write must be one that the kernel takes, with a parent and a child that leave no
// room. The model's rules are those of kernel/sched/core.c (tg_set_cfs_bandwidth, __cfs_schedulable), kernel/sched/rt.c
// (__rt_schedulable) and mm/memcontrol-v1.c (mem_cgroup_resize_max).
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "runtime/cgroup/bandwidth_steps.h"
#include "runtime/cgroup/limit_writes.h"
#include "runtime/cgroup/partial_limits.h"
#include "runtime/cgroup/text.h"
#include "runtime/cgroup/undo.h"

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kNone = -1;
constexpr std::int64_t kHuge = INT64_MAX;

Hierarchies v1() {
  Hierarchies machine;
  for (const char* const name : {"cpu", "memory"}) machine.v1[name] = std::string("/") + name;
  return machine;
}
Hierarchies v2() {
  Hierarchies machine;
  machine.mode = Mode::kV2;
  machine.v2_mount = "/c";
  machine.v2_controllers = {"cpu", "memory"};
  return machine;
}

struct Values {
  std::int64_t quota = kNone, period = 100'000, burst = 0;
  std::int64_t rt_runtime = 0, rt_period = 1'000'000;
  std::int64_t memory = kNone, both = kNone;
  bool operator==(const Values&) const = default;
};

std::int64_t ratio(std::int64_t time, std::int64_t period) {
  return time == kNone ? kHuge : (time << 20) / period;
}
std::int64_t sized(std::int64_t limit) {
  return limit == kNone ? kHuge : limit;
}

// Parent and child stand where neither `from` nor `to` needs more: at the larger share of both, and at the smaller.
struct Kernel {
  Values now;
  std::int64_t parent_share, child_share, parent_rt, child_rt;
  bool v1 = true;

  bool cpu_ok(const Values& wanted) const {
    if (wanted.period < 1'000 || wanted.period > 1'000'000) return false;
    if (wanted.quota == kNone) return true;
    if (wanted.quota < 1'000 || wanted.burst > wanted.quota) return false;
    if (!v1) return true;
    const auto share = ratio(wanted.quota, wanted.period);
    return share <= parent_share && share >= child_share;
  }
  bool rt_ok(const Values& wanted) const {
    const auto share = ratio(wanted.rt_runtime, wanted.rt_period);
    return wanted.rt_period > 0 && wanted.rt_runtime <= wanted.rt_period && share <= parent_rt && share >= child_rt;
  }
  bool write(const ControlWrite& write) {
    Values wanted = now;
    std::string_view rest = write.text;
    const auto number = [](std::string_view word) { return word == "max" ? kNone : parse_i64(word).value(); };
    const auto first = number(next_word(rest));
    if (write.file == "cpu.cfs_quota_us") wanted.quota = first;
    if (write.file == "cpu.cfs_period_us") wanted.period = first;
    if (write.file == "cpu.cfs_burst_us" || write.file == "cpu.max.burst") wanted.burst = first;
    if (write.file == "cpu.rt_runtime_us") wanted.rt_runtime = first;
    if (write.file == "cpu.rt_period_us") wanted.rt_period = first;
    if (write.file == "memory.limit_in_bytes" || write.file == "memory.max") wanted.memory = first;
    if (write.file == "memory.memsw.limit_in_bytes") wanted.both = first;
    if (write.file == "memory.swap.max") wanted.both = first;  // on v2 swap alone
    if (write.file == "cpu.max") {
      wanted.quota = first;
      wanted.period = number(next_word(rest));
    }
    const bool memory_ok = !v1 || sized(wanted.memory) <= sized(wanted.both);
    if (!cpu_ok(wanted) || !rt_ok(wanted) || !memory_ok) return false;
    now = wanted;
    return true;
  }
};

Limit<microseconds> time_limit(std::int64_t value) {
  return value == kNone ? Limit<microseconds>() : Limit<microseconds>(microseconds(value));
}
Limit<Bytes> size_limit(std::int64_t value) {
  return value == kNone ? Limit<Bytes>() : Limit<Bytes>(Bytes(value));
}

Present present_of(const Values& values) {
  Present present;
  present.memory = size_limit(values.memory);
  present.memory_and_swap = size_limit(values.both);
  present.cpu_quota = time_limit(values.quota);
  present.cpu_period = microseconds(values.period);
  present.cpu_burst = microseconds(values.burst);
  present.rt = CpuBandwidth{microseconds(values.rt_runtime), microseconds(values.rt_period)};
  present.cpu_nested = true;
  return present;
}

Limits limits_of(const Values& values, bool rt) {
  Limits limits;
  limits.cpu_bandwidth = CpuBandwidth{time_limit(values.quota), microseconds(values.period)};
  limits.cpu_burst = microseconds(values.burst);
  if (rt) {
    limits.rt_runtime = microseconds(values.rt_runtime);
    limits.rt_period = microseconds(values.rt_period);
  }
  limits.memory = size_limit(values.memory);
  limits.swap = swap_alone(size_limit(values.both), size_limit(values.memory));
  return limits;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  // Powers spread evenly: small numbers come as often as large ones.
  std::int64_t spread(std::int64_t low, std::int64_t high) {
    std::uniform_real_distribution<double> power(std::log(low), std::log(high));
    return std::clamp(static_cast<std::int64_t>(std::exp(power(engine_))), low, high);
  }
  Values values() {
    Values values;
    values.period = spread(1'000, 1'000'000);
    values.quota = between(0, 9) == 0 ? kNone : spread(1'000, 10'000'000);
    if (between(0, 3) == 0) values.quota = values.period / 2 + 1'000;  // shares that are nearly the same
    values.burst = between(0, 1) == 0 ? 0 : between(0, values.quota == kNone ? 1'000'000 : values.quota);
    values.rt_period = spread(1'000, 1'000'000);
    values.rt_runtime = between(0, 5) == 0 ? 0 : between(0, values.rt_period);
    values.memory = between(0, 5) == 0 ? kNone : 4'096 * between(0, 1'000);
    values.both = values.memory == kNone || between(0, 5) == 0 ? kNone : values.memory + 4'096 * between(0, 100);
    return values;
  }

 private:
  std::mt19937 engine_;
};

std::string text(const Values& v) {
  std::string all;
  for (const auto value : {v.quota, v.period, v.burst, v.rt_runtime, v.rt_period, v.memory, v.both})
    all += std::to_string(value) + " ";
  return all;
}

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
  if (at.quota != kNone) {
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
      was_lifted = was_lifted || (kernel.now.quota == kNone && from.quota != kNone && to.quota != kNone);
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

CpuBandwidth share(std::int64_t quota, std::int64_t period) {
  return {microseconds(quota), microseconds(period)};
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

Result<Limits> complete(Limits limits, PartialLimits partial, const Hierarchies& machine, const Values& now) {
  return completed(std::move(limits), partial, machine, present_of(now));
}

TEST(PartialLimits, WhatIsNotNamedStays) {
  PartialLimits period;
  period.cpu_period = microseconds(200'000);
  const Values now{.quota = 50'000, .period = 100'000, .burst = 10'000, .memory = 1'000, .both = 1'500};
  EXPECT_EQ(complete({}, period, v1(), now)->cpu_bandwidth, share(50'000, 200'000));
  PartialLimits quota;
  quota.cpu_quota = microseconds(4'000);
  const Values tenth{.quota = 3'000, .period = 10'000};
  EXPECT_EQ(complete({}, quota, v1(), tenth)->cpu_bandwidth, share(4'000, 10'000)) << "40 %, not 4 %";
  EXPECT_FALSE(complete({}, quota, v1(), now)) << "below the burst, which stays";
  Limits no_burst;
  no_burst.cpu_burst = microseconds(0);
  EXPECT_EQ(complete(no_burst, quota, v1(), now)->cpu_burst, microseconds(0));
  Limits large_burst;
  large_burst.cpu_burst = microseconds(50'001);
  EXPECT_FALSE(complete(large_burst, {}, v1(), now));
  EXPECT_EQ(completed(no_burst, {}, v1(), fresh_group())->cpu_burst, std::nullopt) << "a new group has none";
  PartialLimits fresh;
  fresh.cpu_quota = microseconds(5'000);
  EXPECT_EQ(completed({}, fresh, v2(), fresh_group())->cpu_bandwidth, share(5'000, 100'000));
}

TEST(PartialLimits, MemoryAndSwap) {
  const Values now{.memory = 1'000, .both = 1'500};
  const auto memory_alone = [](std::int64_t bytes) {
    Limits limits;
    limits.memory = size_limit(bytes);
    return limits;
  };
  PartialLimits both;
  both.memory_and_swap = Limit<Bytes>(Bytes(1'800));
  EXPECT_EQ(complete({}, both, v1(), now)->swap, Limit<Bytes>(Bytes(800))) << "beside the memory limit that is there";
  EXPECT_EQ(complete({}, both, v2(), now)->swap, Limit<Bytes>(Bytes(800)));
  EXPECT_EQ(complete(memory_alone(1'200), both, v2(), now)->swap, Limit<Bytes>(Bytes(600)));
  EXPECT_FALSE(complete(memory_alone(1'900), both, v2(), now)) << "more memory than both";
  EXPECT_FALSE(complete({}, both, v2(), Values{})) << "no memory limit to take it from";
  both.memory_and_swap = Limit<Bytes>(Bytes(900));
  EXPECT_FALSE(complete({}, both, v1(), now));
  both.memory_and_swap = Limit<Bytes>();
  EXPECT_EQ(complete({}, both, v1(), now)->swap, Limit<Bytes>());
  EXPECT_EQ(complete(memory_alone(1'200), {}, v1(), now)->swap, Limit<Bytes>(Bytes(300))) << "v1: the sum stays";
  EXPECT_FALSE(complete(memory_alone(1'600), {}, v1(), now)) << "as the kernel with runc and crun";
  EXPECT_EQ(complete(memory_alone(1'600), {}, v2(), now)->swap, std::nullopt) << "v2: swap stays";
  EXPECT_EQ(complete(memory_alone(kNone), {}, v1(), now)->swap, Limit<Bytes>()) << "as runc";
  EXPECT_EQ(complete(memory_alone(1'600), {}, v1(), Values{})->swap, std::nullopt);
}

TEST(UndoLog, LinesAreFoundByWhatTheyAreAbout) {
  EXPECT_EQ(line_key("blkio.throttle.read_bps_device", "8:0 100"), "8:0");
  EXPECT_EQ(line_key("io.max", "8:0 rbps=5"), "8:0");
  EXPECT_EQ(line_key("io.weight", "default 50"), "default");
  EXPECT_EQ(line_key("io.weight", "50"), "default");
  EXPECT_EQ(line_key("io.weight", "8:16 50"), "8:16");
  EXPECT_EQ(line_key("net_prio.ifpriomap", "eth0 5"), "eth0");
  EXPECT_EQ(line_key("memory.max", "100"), "");
}

}  // namespace
}  // namespace mete::runtime::cgroup
