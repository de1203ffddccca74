// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "runtime/cgroup/devices/block_device.h"
#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/limits/setting.h"
#include "runtime/cgroup/limits/undo.h"

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;
using Writes = std::vector<ControlWrite>;

Hierarchies v1() {
  Hierarchies machine;
  for (const char* const name : {"cpu", "cpuset", "memory", "pids", "hugetlb"})
    machine.v1[name] = std::string("/") + name;
  return machine;
}
Hierarchies v2() {
  Hierarchies machine;
  machine.mode = Mode::kV2;
  machine.v2_mount = "/c";
  machine.v2_controllers = {"cpu", "cpuset", "memory", "pids", "hugetlb"};
  return machine;
}

Limits everything() {
  Limits limits;
  limits.cpu_shares = 1024;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(50'000), microseconds(100'000)};
  limits.cpu_burst = microseconds(10'000);
  limits.cpuset_cpus = "0-1";
  limits.cpuset_mems = "0";
  limits.memory = Limit<Bytes>(Bytes(1 << 20));
  limits.swap = Limit<Bytes>(Bytes(1 << 20));
  limits.memory_soft = Limit<Bytes>();
  limits.pids = Limit<std::uint64_t>(10);
  limits.hugetlb.edit()["2MB"] = Limit<Bytes>();
  return limits;
}

TEST(PlanWrites, OnV1) {
  EXPECT_EQ(plan_writes(everything(), v1()).value(), (Writes{{"cpuset", "cpuset.cpus", "0-1"},
                                                             {"cpuset", "cpuset.mems", "0"},
                                                             {"cpu", "cpu.shares", "1024"},
                                                             {"cpu", "cpu.cfs_period_us", "100000"},
                                                             {"cpu", "cpu.cfs_quota_us", "50000"},
                                                             {"cpu", "cpu.cfs_burst_us", "10000"},
                                                             {"memory", "memory.limit_in_bytes", "1048576"},
                                                             {"memory", "memory.memsw.limit_in_bytes", "2097152"},
                                                             {"memory", "memory.soft_limit_in_bytes", "-1"},
                                                             {"pids", "pids.max", "10"},
                                                             {"hugetlb", "hugetlb.2MB.limit_in_bytes", "-1"}}));
}

TEST(PlanWrites, OnV2) {
  Limits limits = everything();
  limits.memory_high = Limit<Bytes>(Bytes(900'000));
  limits.memory_min = Limit<Bytes>(Bytes(0));
  limits.oom_group = true;
  limits.cpu_idle = false;
  EXPECT_EQ(plan_writes(limits, v2()).value(), (Writes{{"cpuset", "cpuset.cpus", "0-1"},
                                                       {"cpuset", "cpuset.mems", "0"},
                                                       {"cpu", "cpu.idle", "0"},
                                                       {"cpu", "cpu.weight", "100"},
                                                       {"cpu", "cpu.max", "50000 100000"},
                                                       {"cpu", "cpu.max.burst", "10000"},
                                                       {"memory", "memory.min", "0"},
                                                       {"memory", "memory.low", "max"},
                                                       {"memory", "memory.oom.group", "1"},
                                                       {"memory", "memory.high", "900000"},
                                                       {"memory", "memory.swap.max", "1048576"},
                                                       {"memory", "memory.max", "1048576"},
                                                       {"pids", "pids.max", "10"},
                                                       {"hugetlb", "hugetlb.2MB.max", "max"}}));
}

std::vector<std::string> memory_order(std::int64_t memory, std::optional<std::int64_t> swap, Present present) {
  Limits limits;
  limits.memory = memory < 0 ? Limit<Bytes>() : Limit<Bytes>(Bytes(memory));
  if (swap) limits.swap = *swap < 0 ? Limit<Bytes>() : Limit<Bytes>(Bytes(*swap));
  std::vector<std::string> order;
  const auto writes = plan_writes(limits, v1(), present).value();
  for (const auto& write : writes) {
    order.push_back((write.file == "memory.limit_in_bytes" ? "mem " : "memsw ") + write.text);
  }
  return order;
}

TEST(PlanWrites, MemoryNeverPassesMemoryAndSwapOnV1) {
  using Order = std::vector<std::string>;
  const Present fresh{.memory = Limit<Bytes>(), .memory_and_swap = Limit<Bytes>()};
  const Present bounded{.memory = Limit<Bytes>(Bytes(100)), .memory_and_swap = Limit<Bytes>(Bytes(150))};
  EXPECT_EQ(memory_order(100, 0, fresh), (Order{"mem 100", "memsw 100"}));
  EXPECT_EQ(memory_order(200, 50, bounded), (Order{"memsw 250", "mem 200"})) << "raised";
  EXPECT_EQ(memory_order(50, 0, bounded), (Order{"mem 50", "memsw 50"})) << "lowered";
  EXPECT_EQ(memory_order(-1, -1, bounded), (Order{"memsw -1", "mem -1"}));
  EXPECT_EQ(memory_order(500, std::nullopt, bounded), (Order{"memsw 550", "mem 500"})) << "swap stays 50";
  EXPECT_EQ(memory_order(10, std::nullopt, bounded), (Order{"mem 10", "memsw 60"}));
  EXPECT_EQ(memory_order(500, std::nullopt, fresh), (Order{"mem 500"}));
  EXPECT_EQ(memory_order(100, INT64_MAX, fresh), (Order{"mem 100", "memsw -1"})) << "a sum that overflows is no limit";
}

TEST(PlanWrites, TheQuotaIsNeverBelowTheBurst) {
  Limits limits;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(5'000), microseconds(200'000)};
  const Present present{
      .cpu_quota = Limit(microseconds(20'000)), .cpu_period = microseconds(100'000), .cpu_burst = microseconds(10'000)};
  EXPECT_EQ(plan_writes(limits, v1(), present).value(), (Writes{{"cpu", "cpu.cfs_burst_us", "0"},
                                                                {"cpu", "cpu.cfs_quota_us", "5000"},
                                                                {"cpu", "cpu.cfs_period_us", "200000"}}));
}

TEST(PlanWrites, IoIsByDiskAndWhatIsNotSaidIsNoLimit) {
  Limits limits;
  limits.io.edit()["8:0"] = {.read_bps = 1000, .write_iops = 7};
  limits.io.edit()["8:16"] = {};
  limits.io_weight = 2000;
  auto old = v1();
  old.v1["blkio"] = "/blkio";
  EXPECT_EQ(plan_writes(limits, old).value(), (Writes{{"blkio", "blkio.bfq.weight", "1000"},
                                                      {"blkio", "blkio.throttle.read_bps_device", "8:0 1000"},
                                                      {"blkio", "blkio.throttle.write_bps_device", "8:0 0"},
                                                      {"blkio", "blkio.throttle.read_iops_device", "8:0 0"},
                                                      {"blkio", "blkio.throttle.write_iops_device", "8:0 7"},
                                                      {"blkio", "blkio.throttle.read_bps_device", "8:16 0"},
                                                      {"blkio", "blkio.throttle.write_bps_device", "8:16 0"},
                                                      {"blkio", "blkio.throttle.read_iops_device", "8:16 0"},
                                                      {"blkio", "blkio.throttle.write_iops_device", "8:16 0"}}));
  auto now = v2();
  now.v2_controllers.emplace_back("io");
  EXPECT_EQ(plan_writes(limits, now).value(), (Writes{{"io", "io.weight", "default 2000"},
                                                      {"io", "io.max", "8:0 rbps=1000 wbps=max riops=max wiops=7"},
                                                      {"io", "io.max", "8:16 rbps=max wbps=max riops=max wiops=max"}}));
  EXPECT_FALSE(plan_writes(limits, v1())) << "without the controller";
  limits.io_weight = 0;
  EXPECT_FALSE(plan_writes(limits, now));
}

TEST(PlanWrites, ADiskHasAWeightOfItsOwn) {
  Limits limits;
  limits.io_disk_weights.edit() = {{"8:0", 1000}, {"8:16", 0}};
  auto old = v1();
  old.v1["blkio"] = "/blkio";
  auto now = v2();
  now.v2_controllers.emplace_back("io");
  const char* const on_v1 = "blkio.bfq.weight_device";
  const char* const on_v2 = "io.bfq.weight";
  EXPECT_EQ(plan_writes(limits, old).value(), (Writes{{"blkio", on_v1, "8:0 1000"}, {"blkio", on_v1, "8:16 default"}}));
  EXPECT_EQ(plan_writes(limits, now).value(), (Writes{{"io", on_v2, "8:0 1000"}, {"io", on_v2, "8:16 default"}}));
  for (const char* file : {on_v1, on_v2}) {
    EXPECT_TRUE(same_setting(file, "8:0 1000", "default 100\n8:0 1000\n")) << file;
    EXPECT_FALSE(same_setting(file, "8:0 1000", "default 1000\n8:0 100\n")) << file;
    EXPECT_FALSE(same_setting(file, "8:0 1000", "default 1000\n")) << file;
    EXPECT_TRUE(same_setting(file, "8:16 default", "default 100\n8:0 1000\n")) << file;
    EXPECT_FALSE(same_setting(file, "8:16 default", "default 100\n8:16 1000\n")) << file;
    EXPECT_EQ(line_key(file, "8:0 1000"), "8:0");
    EXPECT_EQ(restoring_text(file, "8:0", "default 100\n8:0 300\n"), "8:0 300") << file;
    EXPECT_EQ(restoring_text(file, "8:0", "default 100\n"), "8:0 default") << file;
  }
  EXPECT_EQ(parts_of(limits).size(), 1U);
  limits.io_disk_weights.edit()["8:0"] = 1001;
  EXPECT_FALSE(plan_writes(limits, old) || plan_writes(limits, now));
}

TEST(PlanWrites, LatencyIsCgroup2sAndTheClassOfPacketsCgroup1s) {
  Limits limits;
  limits.io.edit()["8:0"] = {.latency = std::chrono::microseconds(10'000)};
  limits.net_class = 0x100001;
  auto now = v2();
  now.v2_controllers.emplace_back("io");
  now.v1["net_cls"] = "/net_cls";
  EXPECT_EQ(plan_writes(limits, now).value(), (Writes{{"io", "io.latency", "8:0 target=10000"},
                                                      {"io", "io.max", "8:0 rbps=max wbps=max riops=max wiops=max"},
                                                      {"net_cls", "net_cls.classid", "1048577"}}));
  EXPECT_TRUE(same_setting("io.latency", "8:0 target=10000", "8:16 target=5\n8:0 target=10000\n"));
  EXPECT_FALSE(same_setting("io.latency", "8:0 target=10000", ""));
  EXPECT_TRUE(same_setting("io.latency", "8:0 target=0", "8:16 target=5\n"));
  auto old = v1();
  old.v1["blkio"] = "/blkio";
  const auto missing = plan_writes(limits, old);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("io latency"), std::string::npos) << missing.error().what;
}

TEST(SameSetting, ALineADisk) {
  const std::string file = "blkio.throttle.read_bps_device";
  EXPECT_TRUE(same_setting(file, "8:0 1000", "8:16 5\n8:0 1000\n"));
  EXPECT_FALSE(same_setting(file, "8:0 1000", "8:0 10000\n"));
  EXPECT_FALSE(same_setting(file, "8:0 1000", "8:16 1000\n"));
  EXPECT_TRUE(same_setting(file, "8:0 0", "8:16 1000\n")) << "no limit is no line";
  EXPECT_FALSE(same_setting(file, "8:1 0", "8:16 5\n8:1 6\n"));
  EXPECT_TRUE(same_setting("io.max", "8:0 rbps=max wbps=max riops=max wiops=max", ""));
  EXPECT_FALSE(
      same_setting("io.max", "8:0 rbps=max wbps=max riops=max wiops=max", "8:0 rbps=5 wbps=max riops=max wiops=max\n"));
}

TEST(SourceOfMount, ByTheDeviceThatStatShows) {
  const std::string mounts =
      "22 27 0:21 / /proc rw,relatime - proc proc rw\n30 1 0:45 /root / rw shared:1 - btrfs /dev/sda2 "
      "rw,subvol=/root\n31 1 bad\n";
  EXPECT_EQ(source_of_mount(mounts, "0:45"), "/dev/sda2");
  EXPECT_EQ(source_of_mount(mounts, "0:21"), "proc");
  EXPECT_EQ(source_of_mount(mounts, "0:99"), "");
  EXPECT_EQ(source_of_mount("", "0:45"), "");
  EXPECT_EQ(source_of_mount("30 1 0:45 / / rw", "0:45"), "") << "cut off";
}

TEST(PlanWrites, WhatTheMachineLacksIsNamed) {
  Hierarchies machine = v1();
  machine.v1.erase("pids");
  const auto missing = plan_writes(everything(), machine);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("pids max"), std::string::npos) << missing.error().what;
  EXPECT_NE(missing.error().what.find("\"pids\""), std::string::npos);
  Limits high;
  high.memory_high = Limit<Bytes>();
  const auto old = plan_writes(high, v1());
  ASSERT_FALSE(old);
  EXPECT_NE(old.error().what.find("memory high"), std::string::npos) << old.error().what;
  Limits keep;
  keep.oom_group = false;
  EXPECT_TRUE(plan_writes(keep, v1()).value().empty()) << "not asking for a group kill is what v1 does";
}

TEST(PlanWrites, NumbersOutOfRangeAreRefused) {
  const auto refused = [](auto set) {
    Limits limits;
    set(limits);
    return !plan_writes(limits, v1());
  };
  EXPECT_TRUE(refused([](Limits& l) { l.cpu_shares = 1; }));
  EXPECT_TRUE(refused([](Limits& l) { l.cpu_shares = 262'145; }));
  EXPECT_TRUE(refused([](Limits& l) { l.cpu_bandwidth = CpuBandwidth{microseconds(999)}; }));
  EXPECT_TRUE(refused([](Limits& l) { l.cpu_bandwidth = CpuBandwidth{{}, microseconds(1'000'001)}; }));
  EXPECT_TRUE(refused([](Limits& l) { l.cpu_burst = microseconds(-1); }));
  EXPECT_TRUE(refused([](Limits& l) {
    l.cpu_bandwidth = CpuBandwidth{microseconds(1'000)};
    l.cpu_burst = microseconds(1'001);
  }));
  EXPECT_TRUE(refused([](Limits& l) { l.memory = Limit<Bytes>(Bytes(-2)); }));
  EXPECT_TRUE(refused([](Limits& l) { l.swap = Limit<Bytes>(Bytes(1)); })) << "on v1 swap needs a memory limit";
}

TEST(PlanReads, AsTheKernelRounds) {
  Limits limits = everything();
  limits.memory = Limit<Bytes>(Bytes(104'960'001));
  limits.swap = Limit<Bytes>();
  limits.hugetlb.edit()["2MB"] = Limit<Bytes>(Bytes((5 << 20) + 1));
  std::map<std::string, std::string> read;
  auto reads = plan_reads(limits, v1(), Bytes(4096)).value();
  for (const auto& r : reads) read[r.file] = r.text;
  EXPECT_EQ(read["memory.limit_in_bytes"], "104960000");
  EXPECT_EQ(read["memory.memsw.limit_in_bytes"], "9223372036854771712");
  EXPECT_EQ(read["hugetlb.2MB.limit_in_bytes"], "4194304");
  read.clear();
  reads = plan_reads(limits, v2(), Bytes(4096)).value();
  for (const auto& r : reads) read[r.file] = r.text;
  EXPECT_EQ(read["memory.max"], "104960000");
  EXPECT_EQ(read["memory.low"], "max");
}

TEST(SameSetting, ListsAndUnlimited) {
  EXPECT_TRUE(same_setting("cpuset.cpus", "0,1,2,5", "0-2,5\n"));
  EXPECT_FALSE(same_setting("cpuset.cpus", "0-3", "0-2"));
  EXPECT_FALSE(same_setting("cpuset.cpus", "0-99999999999", "0"));
  EXPECT_FALSE(same_setting("cpuset.cpus", "x", "0"));
  EXPECT_TRUE(same_setting("memory.limit_in_bytes", "9223372036854771712", "9223372036854710272\n"));
  EXPECT_FALSE(same_setting("memory.limit_in_bytes", "4096", "8192"));
  EXPECT_TRUE(same_setting("cpu.max", "max 100000", "max 100000\n"));
}

TEST(CpuWeight, PublishedPointsAndBack) {
  EXPECT_EQ(cpu_weight_of_shares(0), 1U);
  EXPECT_EQ(cpu_weight_of_shares(2), 1U);
  EXPECT_EQ(cpu_weight_of_shares(1024), 100U);
  EXPECT_EQ(cpu_weight_of_shares(262'144), 10'000U);
  EXPECT_EQ(cpu_weight_of_shares(UINT64_MAX), 10'000U);
  EXPECT_EQ(cpu_shares_of_weight(100), 1024U);
  EXPECT_EQ(cpu_shares_of_weight(1), 2U);
  EXPECT_EQ(cpu_shares_of_weight(10'000), 262'144U);
  for (std::uint64_t shares = 2; shares < 262'144; shares += 37) {
    const auto weight = cpu_weight_of_shares(shares);
    EXPECT_LE(weight, cpu_weight_of_shares(shares + 1));
    EXPECT_EQ(cpu_weight_of_shares(cpu_shares_of_weight(weight)), weight) << shares;
  }
}

}  // namespace
}  // namespace mete::runtime::cgroup
