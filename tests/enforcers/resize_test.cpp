// SPDX-License-Identifier: Apache-2.0
#include "enforcers/resize.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using namespace literals;
using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using std::chrono::microseconds;

config::Resources resources(std::optional<MilliCpu> cpu_request, std::optional<MilliCpu> cpu,
                            std::optional<Bytes> memory_request, std::optional<Bytes> memory) {
  config::Resources all;
  all.requests = {cpu_request, memory_request, {}};
  all.limits = {cpu, memory, {}};
  return all;
}

TEST(Resize, AContainerSaysWhatTakesARestart) {
  config::Container container;
  container.resources = resources(100_mCPU, 200_mCPU, 8_MiB, 64_MiB);
  const auto more_cpu = resources(100_mCPU, 300_mCPU, 8_MiB, 64_MiB);
  const auto more_memory = resources(100_mCPU, 200_mCPU, 16_MiB, 64_MiB);
  EXPECT_FALSE(takes_restart(container, more_cpu));
  container.restart_for_cpu = true;
  EXPECT_TRUE(takes_restart(container, more_cpu));
  EXPECT_FALSE(takes_restart(container, more_memory));
  EXPECT_FALSE(takes_restart(container, container.resources));
  container.restart_for_memory = true;
  EXPECT_TRUE(takes_restart(container, more_memory));
}

TEST(Resize, WhatIsNotGivenStays) {
  const auto before = resources(100_mCPU, 200_mCPU, 8_MiB, 64_MiB);
  EXPECT_EQ(updated(before, {}), before);
  EXPECT_EQ(updated(before, {.memory_limit = 96_MiB}), resources(100_mCPU, 200_mCPU, 8_MiB, 96_MiB));
  EXPECT_EQ(updated(before, {.cpu_limit = 300_mCPU, .cpu_request = 300_mCPU}),
            resources(300_mCPU, 300_mCPU, 8_MiB, 64_MiB));
}

TEST(Resize, ARequestThatWasTheLimitStaysTheLimit) {
  const auto guaranteed = resources(200_mCPU, 200_mCPU, 64_MiB, 64_MiB);
  EXPECT_EQ(updated(guaranteed, {.cpu_limit = 100_mCPU, .memory_limit = 32_MiB}),
            resources(100_mCPU, 100_mCPU, 32_MiB, 32_MiB));
  EXPECT_EQ(updated(guaranteed, {.memory_request = 16_MiB}), resources(200_mCPU, 200_mCPU, 16_MiB, 64_MiB));
  EXPECT_EQ(updated({}, {.memory_limit = 32_MiB}), resources(std::nullopt, std::nullopt, std::nullopt, 32_MiB))
      << "none before, none now";
}

TEST(Resize, ARequestAboveItsLimitNamesBoth) {
  const auto wrong = updated(resources(std::nullopt, std::nullopt, 8_MiB, 64_MiB), {.memory_limit = 4_MiB});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what,
            "memory: found a request of 8Mi and a limit of 4Mi, expected a request of at most the limit");
  EXPECT_FALSE(updated(resources(100_mCPU, 200_mCPU, std::nullopt, std::nullopt), {.cpu_request = 201_mCPU}));
}

TEST(Resize, TheLaterUpdateWinsFieldByField) {
  EXPECT_EQ(merged({.cpu_limit = 1_mCPU, .memory_limit = 2_MiB}, {.memory_limit = 3_MiB}),
            (ResourceUpdate{.cpu_limit = 1_mCPU, .memory_limit = 3_MiB}));
  EXPECT_TRUE(ResourceUpdate().empty());
  EXPECT_FALSE(ResourceUpdate{.cpu_request = 1_mCPU}.empty());
}

TEST(Resize, InBetweenThePodHoldsBoth) {
  Limits small;
  small.memory = Limit<Bytes>(10_MiB);
  small.cpu_bandwidth = CpuBandwidth{microseconds(10'000), microseconds(100'000)};
  small.cpu_shares = 10;
  Limits large;
  large.memory = Limit<Bytes>(20_MiB);
  large.cpu_bandwidth = CpuBandwidth{microseconds(9'000), microseconds(50'000)};
  large.cpu_shares = 20;
  for (const auto& between : {widest(small, large), widest(large, small)}) {
    EXPECT_EQ(between.memory, Limit<Bytes>(20_MiB));
    EXPECT_EQ(between.cpu_bandwidth, large.cpu_bandwidth) << "by the share of a core, not by the quota's number";
  }
  EXPECT_EQ(widest(large, small).cpu_shares, 10U);
  Limits none;
  none.memory = Limit<Bytes>();
  none.cpu_bandwidth = CpuBandwidth{};
  EXPECT_EQ(widest(none, small).memory, Limit<Bytes>());
  EXPECT_TRUE(widest(small, none).cpu_bandwidth->quota.is_unlimited());
  EXPECT_FALSE(widest(none, Limits()).memory) << "what is not asked for is left alone";
}

TEST(Resize, ChangesAreDescribedAsManifestsWriteThem) {
  const auto before = resources(100_mCPU, 2000_mCPU, std::nullopt, 64_MiB);
  EXPECT_EQ(describe_change(before, before), "");
  EXPECT_EQ(describe_change(before, resources(100_mCPU, 1500_mCPU, 1000_B, std::nullopt)),
            "cpu limit 2 -> 1500m, memory limit 64Mi -> none, memory request none -> 1000");
}

}  // namespace
}  // namespace mete::enforcers
