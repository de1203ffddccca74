// SPDX-License-Identifier: Apache-2.0
// linux.resources and devices in config.json, on a real kernel.
#include "tests/root/oci/oci_resources_support.h"

namespace mete::test {
namespace {

TEST_F(OciResourcesTest, CpuWithBurstAndIdle) {
  resources()["cpu"] = {{"quota", 50000}, {"period", 100000}, {"burst", 20000}, {"cpus", "0"}, {"mems", "0"}};
  start_sleeping();
  EXPECT_EQ(v1("cpu") ? file("cpu", "cpu.cfs_burst_us") : file("cpu", "cpu.max.burst"), "20000\n");
  EXPECT_EQ(v1("cpu") ? file("cpu", "cpu.cfs_quota_us") : file("cpu", "cpu.max"),
            v1("cpu") ? "50000\n" : "50000 100000\n");
  EXPECT_EQ(file("cpuset", "cpuset.cpus"), "0\n");
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
  resources()["cpu"] = {{"idle", 1}};
  start_sleeping();
  EXPECT_EQ(file("cpu", "cpu.idle"), "1\n");
}

TEST_F(OciResourcesTest, RealTimeBandwidth) {
  resources()["cpu"] = {{"realtimePeriod", 1000000}, {"realtimeRuntime", 1000}};
  if (!v1("cpu")) {
    EXPECT_TRUE(has(refused(), "cpu realtime bandwidth: this machine has the controller \"cpu\" on cgroup v2"));
    return;
  }
  // The parent has none to give in a fresh group of its own.
  if (!parent().write("cpu", "cpu.rt_runtime_us", "5000")) GTEST_SKIP() << "needs a kernel with RT_GROUP_SCHED";
  start_sleeping();
  EXPECT_EQ(file("cpu", "cpu.rt_runtime_us"), "1000\n");
  // The period first would be more than the parent has.
  const Done done = oci({"update", "--cpu-rt-period", "100000", "--cpu-rt-runtime", "400", "one"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(file("cpu", "cpu.rt_runtime_us") + file("cpu", "cpu.rt_period_us"), "400\n100000\n");
  EXPECT_EQ(oci({"update", "--cpu-rt-period", "50000", "--cpu-rt-runtime", "400", "one"}).code, 1) << "0.8 %";
  EXPECT_EQ(file("cpu", "cpu.rt_runtime_us") + file("cpu", "cpu.rt_period_us"), "400\n100000\n");
  EXPECT_EQ(oci({"update", "--cpu-rt-runtime", "0", "one"}).code, 0);
  EXPECT_EQ(file("cpu", "cpu.rt_runtime_us") + file("cpu", "cpu.rt_period_us"), "0\n100000\n");
}

TEST_F(OciResourcesTest, MemoryFields) {
  resources()["memory"] = {{"limit", 64 << 20}, {"reservation", 32 << 20}};
  if (v1("memory")) {
    resources()["memory"]["swappiness"] = 7;
    resources()["memory"]["disableOOMKiller"] = true;
  }
  start_sleeping();
  EXPECT_EQ(v1("memory") ? file("memory", "memory.soft_limit_in_bytes") : file("memory", "memory.low"),
            std::to_string(32 << 20) + "\n");
  if (!v1("memory")) return;
  EXPECT_EQ(file("memory", "memory.swappiness"), "7\n");
  EXPECT_TRUE(has(file("memory", "memory.oom_control"), "oom_kill_disable 1"));
}

TEST_F(OciResourcesTest, WhatOneCgroupVersionHasNot) {
  if (v1("memory")) {
    resources()["unified"] = {{"memory.high", "1000000"}};
    EXPECT_TRUE(has(refused(),
                    "linux.resources.unified.memory.high: found it asked for, expected it left out: this machine has "
                    "no memory controller for it on cgroup2"));
    resources().erase("unified");
  } else {
    resources()["memory"] = {{"swappiness", 7}};
    EXPECT_TRUE(has(refused(), "linux.resources.memory.swappiness: found it asked for"));
    resources()["memory"] = {{"disableOOMKiller", true}};
    EXPECT_TRUE(has(refused(), "oom kill disable"));
    resources().erase("memory");
  }
  if (hierarchies_.mount_of("net_cls").empty()) {
    resources()["network"] = {{"classID", 1}};
    EXPECT_TRUE(has(refused(), "linux.resources.network.classID"));
    resources()["network"] = {{"priorities", {{{"name", "lo"}, {"priority", 1}}}}};
    EXPECT_TRUE(has(refused(), "linux.resources.network.priorities[0]"));
    resources().erase("network");
  }
  if (hierarchies_.mount_of("rdma").empty()) {
    resources()["rdma"] = {{"mlx5_1", {{"hcaHandles", 3}}}};
    EXPECT_TRUE(has(refused(), "linux.resources.rdma.mlx5_1"));
  }
}

TEST_F(OciResourcesTest, Unified) {
  if (v1("memory")) GTEST_SKIP() << "needs cgroup v2";
  resources()["unified"] = {{"memory.high", "50331648"}, {"pids.max", "33"}};
  start_sleeping();
  EXPECT_EQ(file("memory", "memory.high"), "50331648\n");
  EXPECT_EQ(file("pids", "pids.max"), "33\n");
}

TEST_F(OciResourcesTest, BlockIo) {
  const std::string disk = disk_of(dir_.path());
  if (!is_disk(disk)) GTEST_SKIP() << "needs a test folder on a whole disk";
  const int number = std::stoi(disk);
  const int low = std::stoi(disk.substr(disk.find(':') + 1));
  const auto rate = [&](std::uint64_t value) {
    return Json::array({{{"major", number}, {"minor", low}, {"rate", value}}});
  };
  resources()["blockIO"] = {{"throttleReadBpsDevice", rate(1 << 20)},
                            {"throttleWriteBpsDevice", rate(2 << 20)},
                            {"throttleReadIOPSDevice", rate(100)},
                            {"throttleWriteIOPSDevice", rate(200)}};
  start_sleeping();
  if (v1("blkio")) {
    EXPECT_EQ(file("blkio", "blkio.throttle.read_bps_device"), disk + " 1048576\n");
    EXPECT_EQ(file("blkio", "blkio.throttle.write_iops_device"), disk + " 200\n");
  } else {
    EXPECT_EQ(file("io", "io.max"), disk + " rbps=1048576 wbps=2097152 riops=100 wiops=200\n");
  }
}

TEST_F(OciResourcesTest, BlockIoWeight) {
  const char* const controller = v1("blkio") ? "blkio" : "io";
  const char* const name = v1("blkio") ? "blkio.bfq.weight" : "io.weight";
  if (!parent().read(controller, name)) GTEST_SKIP() << "needs a kernel with weights";
  resources()["blockIO"] = {{"weight", 500}};
  start_sleeping();
  EXPECT_TRUE(has(file(controller, name), v1("blkio") ? "500" : "default 4950")) << file(controller, name);
}

TEST_F(OciResourcesTest, HugePages) {
  if (hierarchies_.mount_of("hugetlb").empty()) {
    resources()["hugepageLimits"] = {{{"pageSize", "2MB"}, {"limit", 2 << 20}}};
    EXPECT_TRUE(has(refused(), "hugetlb"));
    return;
  }
  resources()["hugepageLimits"] = {{{"pageSize", "2MB"}, {"limit", 2 << 20}}};
  start_sleeping();
  EXPECT_EQ(file("hugetlb", v1("hugetlb") ? "hugetlb.2MB.limit_in_bytes" : "hugetlb.2MB.max"),
            std::to_string(2 << 20) + "\n");
}

// By name: what is allowed, whether it can be used, and made.
TEST_F(OciResourcesTest, DeviceRulesOnEveryVersion) {
  resources()["devices"] = {{{"allow", false}, {"access", "rwm"}},
                            {{"allow", true}, {"type", "c"}, {"major", 1}, {"minor", 11}, {"access", "w"}}};
  config_["linux"]["devices"] = {{{"path", "/dev/port"}, {"type", "c"}, {"major", 1}, {"minor", 4}}};
  add_kernel_log();
  const std::string script =
      "cat /dev/port > /dev/null 2>&1 || echo port denied; dd if=/dev/kmsg bs=9000 count=1 iflag=nonblock > /dev/null "
      "2>&1 || echo kmsg not read; "
      "exec 3> /dev/kmsg && echo kmsg opened for writing; dd if=/dev/zero of=/dev/null bs=1 count=1 2> /dev/null && "
      "echo zero fine; cat /dev/urandom | dd bs=1 count=1 > /dev/null 2>&1 && echo urandom fine";
  EXPECT_EQ(run(script).out, "port denied\nkmsg not read\nkmsg opened for writing\nzero fine\nurandom fine\n");
  // The control: with the devices allowed the same script can.
  resources()["devices"] = {{{"allow", true}, {"access", "rwm"}}};
  const Done free = run("exec 3< /dev/kmsg && echo kmsg opened for reading");
  EXPECT_EQ(free.out, "kmsg opened for reading\n") << free.err;
}

}  // namespace
}  // namespace mete::test
