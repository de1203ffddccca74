// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/ledger.h"

#include <gtest/gtest.h>

#include "runtime/cgroup/limits/setting.h"

namespace mete::agent {
namespace {

using runtime::cgroup::restoring_text;

TEST(Ledger, KnowsWhatPutsAFileBack) {
  EXPECT_EQ(restoring_text("pids.max", "", "max\n"), "max");
  EXPECT_EQ(restoring_text("memory.oom_control", "", "oom_kill_disable 1\nunder_oom 0\noom_kill 3\n"), "1");
  EXPECT_EQ(restoring_text("memory.oom_control", "", ""), "0");
}

TEST(Ledger, OfAFileWithALineForEachDiskOnlyThisDisksCounts) {
  EXPECT_EQ(restoring_text("blkio.throttle.read_bps_device", "8:1", "8:16 5\n8:1 1024\n"), "8:1 1024");
  EXPECT_EQ(restoring_text("blkio.throttle.read_bps_device", "8:0", "8:16 5\n"), "8:0 0");
  EXPECT_EQ(restoring_text("io.max", "8:0", "8:16 rbps=5 wbps=max riops=max wiops=max\n"),
            "8:0 rbps=max wbps=max riops=max wiops=max");
  EXPECT_EQ(disk_of_write({"io", "io.max", "8:0 rbps=1 wbps=max riops=max wiops=max"}), "8:0");
  EXPECT_EQ(disk_of_write({"blkio", "blkio.throttle.write_iops_device", "254:0 100"}), "254:0");
  EXPECT_EQ(restoring_text("io.cost.qos", "8:0", "8:0 enable=1 ctrl=auto rpct=95.00 rlat=1000\n"),
            "8:0 enable=1 ctrl=auto");
  EXPECT_EQ(restoring_text("io.cost.qos", "8:0", "8:0 enable=1 ctrl=user rpct=95.00\n"),
            "8:0 enable=1 ctrl=user rpct=95.00");
  EXPECT_EQ(restoring_text("io.cost.qos", "8:0", ""), "8:0 enable=0");
  EXPECT_EQ(restoring_text("io.cost.model", "8:0", "8:0 ctrl=auto model=linear rbps=1\n"), "8:0 ctrl=auto");
  EXPECT_EQ(restoring_text("io.latency", "8:0", ""), "8:0 target=0");
  EXPECT_EQ(disk_of_write({"io", "io.latency", "8:0 target=5"}), "8:0");
  EXPECT_EQ(disk_of_write({"io", "io.weight", "default 50"}), "");
}

TEST(Ledger, IsReadBackAsItWasWritten) {
  const std::vector<Knob> knobs = {{"/docker/a", 7, "pids", "pids.max", "", "max"},
                                   {"/docker/a", 7, "blkio", "blkio.throttle.read_bps_device", "8:0", "8:0 0"}};
  const auto parsed = parse_knobs(to_json(knobs));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, knobs);
  for (const char* wrong :
       {"", "{}", R"({"version": 2, "knobs": []})", R"({"version": 1, "knobs": [{"cgroup": "/a"}]})"})
    EXPECT_FALSE(parse_knobs(wrong)) << wrong;
}

}  // namespace
}  // namespace mete::agent
