// SPDX-License-Identifier: Apache-2.0
// Limits of which only a part is named, and the lines that an undo puts back.
#include "runtime/cgroup/limits/partial_limits.h"

#include <gtest/gtest.h>

#include "runtime/cgroup/limits/undo.h"
#include "tests/runtime/cgroup/cgroup_model.h"

namespace mete::runtime::cgroup {
namespace {

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
  EXPECT_EQ(complete(memory_alone(kUnlimited), {}, v1(), now)->swap, Limit<Bytes>()) << "as runc";
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
