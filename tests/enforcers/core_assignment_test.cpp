// SPDX-License-Identifier: Apache-2.0
#include "enforcers/core_assignment.h"

#include <gtest/gtest.h>

namespace mete::enforcers {
namespace {

using Cpus = std::vector<unsigned>;

// Four physical cores of two threads each, numbered as on most machines: 0 and 4 are one core.
std::vector<Cpu> eight() {
  std::vector<Cpu> cpus;
  for (unsigned i = 0; i < 8; ++i) cpus.push_back({i, i % 4});
  return cpus;
}

TEST(CoreAssignment, WholePhysicalCoresFirstAndTheReservedNever) {
  CoreAssignment cores(eight(), 1);
  EXPECT_EQ(cores.claim("a", 2), Cpus({1, 5}));
  EXPECT_EQ(cores.claim("b", 2), Cpus({2, 6}));
  EXPECT_EQ(cores.claim("c", 1), Cpus({4})) << "the half that is left of a core, not half of a whole one";
  EXPECT_EQ(cores.shared(), Cpus({0, 3, 7}));
  EXPECT_FALSE(cores.claim("d", 3));
  EXPECT_EQ(cores.claim("d", 2), Cpus({3, 7}));
  EXPECT_EQ(cores.shared(), Cpus({0})) << "never empty";
}

TEST(CoreAssignment, WhoHasSomeKeepsThem) {
  CoreAssignment cores(eight(), 2);
  const auto first = cores.claim("a", 2);
  ASSERT_TRUE(first);
  EXPECT_EQ(cores.claim("a", 2), *first);
  EXPECT_TRUE(cores.release("a"));
  EXPECT_FALSE(cores.release("a"));
  EXPECT_FALSE(cores.any());
  EXPECT_EQ(cores.shared().size(), 8U);
}

TEST(CoreAssignment, AFailedClaimChangesNothing) {
  CoreAssignment cores({{0, 0}, {1, 1}}, 0);
  const auto refused = cores.claim("a", 2);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("1 of the 2"), std::string::npos) << refused.error().what;
  EXPECT_EQ(cores.claim("b", 1), Cpus({1}));
}

TEST(CoreAssignment, WhatAnEarlierAgentGaveIsKeptIfItCanBe) {
  CoreAssignment cores(eight(), 1);
  EXPECT_TRUE(cores.adopt("a", {3, 7}));
  EXPECT_FALSE(cores.adopt("b", {7})) << "another's";
  EXPECT_FALSE(cores.adopt("c", {0})) << "reserved";
  EXPECT_FALSE(cores.adopt("d", {9})) << "not there any more";
  EXPECT_EQ(cores.of("a"), Cpus({3, 7}));
  EXPECT_TRUE(cores.of("b").empty());
}

TEST(CoreAssignment, OnlyGuaranteedPodsWithWholeCores) {
  config::PodSpec pod;
  pod.containers.resize(1);
  auto& container = pod.containers[0];
  const auto ask = [&](std::int64_t milli) {
    container.resources.requests = {.cpu = MilliCpu(milli), .memory = Bytes(1 << 20), .huge_pages = {}};
    container.resources.limits = container.resources.requests;
  };
  ask(2000);
  EXPECT_EQ(whole_cores(pod, container), 2U);
  ask(1500);
  EXPECT_FALSE(whole_cores(pod, container));
  ask(500);
  EXPECT_FALSE(whole_cores(pod, container));
  ask(1000);
  container.resources.limits.cpu = MilliCpu(2000);
  EXPECT_FALSE(whole_cores(pod, container)) << "Burstable";
}

TEST(CpuList, ReadsAndWritesTheKernelsOwn) {
  EXPECT_EQ(cpu_list_text({5, 0, 1, 2, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(cpu_list_text({}), "");
  EXPECT_EQ(parse_cpu_list("0-2,5\n"), Cpus({0, 1, 2, 5}));
  for (const char* wrong : {"x", "3-1", "1-", "0,,2", "99999"}) EXPECT_FALSE(parse_cpu_list(wrong)) << wrong;
}

}  // namespace
}  // namespace mete::enforcers
