// SPDX-License-Identifier: Apache-2.0
// Limits that the kernel shows in another form than they were written in, that it takes for none, or that refuse a fork
// in a group below.
#include <gtest/gtest.h>

#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/limits/refusals.h"

namespace mete::runtime::cgroup {
namespace {

Hierarchies machine(bool v1) {
  Hierarchies made;
  made.mode = v1 ? Mode::kV1 : Mode::kV2;
  for (const char* controller : {"memory", "blkio"}) {
    if (v1) made.v1[controller] = std::string("/sys/fs/cgroup/") + controller;
  }
  made.v2_mount = v1 ? "" : "/sys/fs/cgroup";
  if (!v1) made.v2_controllers = {"memory", "io"};
  return made;
}

TEST(CgroupForms, WhatTheKernelShowsInAnotherFormIsNoDrift) {
  Limits limits;
  limits.memory = Limit<Bytes>(Bytes(9'223'372'036'854'775'807));
  const auto reads = plan_reads(limits, machine(false), Bytes(4096));
  ASSERT_TRUE(reads && reads->size() == 1);
  EXPECT_TRUE(same_setting("memory.max", reads->front().text, "max\n")) << reads->front().text;
  EXPECT_FALSE(same_setting("memory.max", "104857600", "max\n"));
  EXPECT_FALSE(same_setting("pids.max", "4194304", "max\n"));
  EXPECT_TRUE(same_setting("io.weight", "default 100", "default 100\n8:0 50\n"));
  EXPECT_FALSE(same_setting("io.weight", "default 100", "default 10\n8:0 50\n"));
  limits.memory = Limit<Bytes>(Bytes(4097));
  EXPECT_EQ(plan_reads(limits, machine(false), Bytes(4096))->front().text, "4096");
}

TEST(CgroupForms, AsManyOperationsAsMeanNoLimitAreRefused) {
  for (const bool v1 : {false, true}) {
    Limits limits;
    limits.io.edit()["8:0"].read_iops = 4'294'967'294;
    limits.io.edit()["8:0"].write_iops = 4'294'967'294;
    EXPECT_TRUE(plan_writes(limits, machine(v1)));
    limits.io.edit()["8:0"].write_iops = 4'294'967'295;
    const auto refused = plan_writes(limits, machine(v1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(
        refused.error().what,
        "io limit of 8:0: found 4294967295 writes a second, expected at most 4294967294 (the kernel takes more for "
        "no limit)");
    limits.io.edit()["8:0"] = {.read_iops = 1ULL << 40U};
    EXPECT_FALSE(plan_writes(limits, machine(v1)));
  }
}

TEST(CgroupForms, TheLimitThatRefusesAForkIsTheFirstThatIsReached) {
  using Path = std::vector<PidsLimit>;
  const auto limit_of = [](const Path& path) {
    const auto* const found = refusing(path);
    return found == nullptr ? std::string() : found->path;
  };
  EXPECT_EQ(limit_of({{"/p/c", 10, 10, 10}, {"/p", 20, 10, 10}}), "/p/c");
  EXPECT_EQ(limit_of({{"/p/c", 10, 7, 7}, {"/p", 20, 20, 20}}), "/p");
  EXPECT_EQ(limit_of({{"/p/c", 10, 10, 10}, {"/p", 10, 10, 10}}), "/p/c");
  EXPECT_EQ(limit_of({{"/p/c", 10, 3, 5}, {"/p", 20, 4, 20}}), "/p") << "some have ended since";
  EXPECT_EQ(limit_of({{"/p", 20, 4, {}}}), "/p") << "there is no other";
  EXPECT_EQ(limit_of({{"/p/c", 10, 3, {}}, {"/p", 20, 4, {}}}), "") << "it cannot be told";
  EXPECT_EQ(limit_of({}), "");
}

}  // namespace
}  // namespace mete::runtime::cgroup
