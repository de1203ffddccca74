// SPDX-License-Identifier: Apache-2.0
// `update` and `events` of a container that runs, on a real kernel.
#include "tests/root/oci/oci_resources_support.h"

namespace mete::test {
namespace {

TEST_F(OciResourcesTest, UpdateChangesDeviceRules) {
  add_kernel_log();
  start_sleeping();
  const auto can_open = [&] { return oci({"exec", "one", "sh", "-c", "exec 3< /dev/kmsg"}).code == 0; };
  EXPECT_FALSE(can_open());
  std::ofstream(dir_ / "resources.json")
      << R"({"devices": [{"allow": false}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]})";
  EXPECT_EQ(oci({"update", "--resources", dir_ / "resources.json", "one"}).code, 0);
  EXPECT_TRUE(can_open());
  std::ofstream(dir_ / "resources.json") << R"({"devices": [{"allow": false}]})";
  EXPECT_EQ(oci({"update", "--resources", dir_ / "resources.json", "one"}).code, 0);
  EXPECT_FALSE(can_open()) << "the program before must be gone";
}

TEST_F(OciResourcesTest, UpdateByFlags) {
  start_sleeping();
  const Done done = oci({"update", "--memory", "64m", "--pids-limit", "55", "--cpu-quota", "30000", "--cpu-period",
                         "60000", "--cpu-share", "512", "--cpuset-cpus", "0", "one"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(file("memory", v1("memory") ? "memory.limit_in_bytes" : "memory.max"), std::to_string(64 << 20) + "\n");
  EXPECT_EQ(file("pids", "pids.max"), "55\n");
  EXPECT_EQ(v1("cpu") ? file("cpu", "cpu.cfs_quota_us") : file("cpu", "cpu.max"),
            v1("cpu") ? "30000\n" : "30000 60000\n");
  EXPECT_EQ(file("cpuset", "cpuset.cpus"), "0\n");
  EXPECT_TRUE(has(oci({"update", "--memory", "much", "one"}).err, "--memory: found \"much\", expected a number"));
  EXPECT_TRUE(has(oci({"update", "one"}).err, "found nothing to change"));
}

TEST_F(OciResourcesTest, AnUpdateKeepsWhatItDoesNotName) {
  resources()["cpu"] = {{"quota", 50000}, {"period", 100000}};
  resources()["memory"] = {{"limit", 64 << 20}, {"swap", 96 << 20}};
  start_sleeping();
  const auto cpu = [&] {
    return v1("cpu") ? file("cpu", "cpu.cfs_quota_us") + file("cpu", "cpu.cfs_period_us") : file("cpu", "cpu.max");
  };
  const auto is = [&](const char* quota, const char* period) {
    return v1("cpu") ? std::string(quota) + "\n" + period + "\n" : std::string(quota) + " " + period + "\n";
  };
  const auto update = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), "update");
    flags.emplace_back("one");
    return oci(flags);
  };
  EXPECT_EQ(update({"--cpu-period", "200000"}).code, 0);
  EXPECT_EQ(cpu(), is("50000", "200000"));
  EXPECT_EQ(update({"--cpu-quota", "3000", "--cpu-period", "10000"}).code, 0);
  EXPECT_EQ(update({"--cpu-quota", "4000"}).code, 0);
  EXPECT_EQ(cpu(), is("4000", "10000"));
  std::ofstream(dir_ / "resources.json") << R"({"cpu": {"period": 20000, "quota": 0}, "memory": {"limit": 0}})";
  EXPECT_EQ(update({"--resources", dir_ / "resources.json"}).code, 0);
  EXPECT_EQ(cpu(), is("4000", "20000"));
  const std::string burst = v1("cpu") ? "cpu.cfs_burst_us" : "cpu.max.burst";
  EXPECT_EQ(update({"--cpu-burst", "1000"}).code, 0);
  EXPECT_TRUE(has(update({"--cpu-burst", "4001"}).err, "expected a burst of at most the quota"));
  EXPECT_EQ(file("cpu", burst), "1000\n");
  EXPECT_EQ(update({"--cpu-burst", "0"}).code, 0);
  EXPECT_EQ(file("cpu", burst), "0\n");
  const auto swap = [&] {
    return v1("memory") ? file("memory", "memory.memsw.limit_in_bytes") : file("memory", "memory.swap.max");
  };
  const std::int64_t extra = v1("memory") ? 64 << 20 : 0;
  EXPECT_EQ(update({"--memory-swap", "80m"}).code, 0);
  EXPECT_EQ(swap(), std::to_string(extra + (16 << 20)) + "\n");
  EXPECT_TRUE(has(update({"--memory-swap", "60m"}).err, "expected at least the memory limit"));
  if (v1("memory")) {
    EXPECT_TRUE(has(update({"--memory", "100m"}).err, "expected at most memory and swap together"));
    EXPECT_EQ(update({"--memory", "72m"}).code, 0);
    EXPECT_EQ(swap(), std::to_string(80 << 20) + "\n");
    if (file("memory", "memory.kmem.tcp.limit_in_bytes") != "(none)") {
      EXPECT_EQ(update({"--kernel-memory-tcp", "8m"}).code, 0);
      EXPECT_EQ(file("memory", "memory.kmem.tcp.limit_in_bytes"), std::to_string(8 << 20) + "\n");
    }
  } else {
    EXPECT_EQ(update({"--memory", "100m"}).code, 0);
    EXPECT_EQ(swap(), std::to_string(16 << 20) + "\n");
    EXPECT_TRUE(has(update({"--kernel-memory-tcp", "8m"}).err, "memory of TCP buffers"));
  }
}

// On v1 a parent's quota bounds its children's; on v2 only what is used.
TEST_F(OciResourcesTest, AnUpdateThatIsRefusedChangesNothing) {
  runtime::cgroup::Limits half;
  half.cpu_bandwidth = runtime::cgroup::CpuBandwidth{std::chrono::microseconds(50'000)};
  ASSERT_TRUE(parent().apply(half));
  resources()["cpu"] = {{"quota", 10000}, {"period", 100000}, {"shares", 512}, {"cpus", "0"}};
  resources()["memory"] = {{"limit", 64 << 20}, {"swap", 96 << 20}};
  start_sleeping();
  const auto all = [&] {
    std::string text;
    for (const char* const name : {"cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.shares", "cpu.max", "cpu.weight"})
      text += file("cpu", name);
    for (const char* const name : {"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max",
                                   "memory.swap.max", "memory.soft_limit_in_bytes", "memory.low"})
      text += file("memory", name);
    return text + file("cpuset", "cpuset.cpus") + file("pids", "pids.max");
  };
  const std::string before = all();
  std::ofstream(dir_ / "resources.json")
      << R"({"cpu": {"quota": 40000, "period": 50000, "shares": 100}, "memory": {"limit": 33554432},
             "unified": {"memory.no_such_file": "1"}})";
  const Done unknown = oci({"update", "--resources", dir_ / "resources.json", "one"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_EQ(all(), before) << unknown.err;
  std::ofstream(dir_ / "resources.json")
      << R"({"cpu": {"shares": 100}, "memory": {"limit": 33554432, "reservation": 1048576}, "pids": {"limit": 50},
             "hugepageLimits": [{"pageSize": "3MB", "limit": 3145728}]})";
  const Done page = oci({"update", "--resources", dir_ / "resources.json", "one"});
  EXPECT_EQ(page.code, 1);
  EXPECT_EQ(all(), before) << page.err;
  if (!v1("cpu")) return;
  EXPECT_EQ(oci({"update", "--cpu-quota", "60000", "--cpu-share", "100", "one"}).code, 1) << "above the parent's";
  EXPECT_EQ(all(), before);
  EXPECT_EQ(oci({"update", "--cpu-quota", "50000", "--cpu-period", "50000", "one"}).code, 1);
  EXPECT_EQ(all(), before);
  EXPECT_EQ(oci({"update", "--cpu-quota", "50000", "--cpu-period", "100000", "one"}).code, 0);
  EXPECT_EQ(oci({"update", "--cpu-quota", "100000", "--cpu-period", "200000", "one"}).code, 0) << "the same share";
  EXPECT_EQ(file("cpu", "cpu.cfs_quota_us") + file("cpu", "cpu.cfs_period_us"), "100000\n200000\n");
}

TEST_F(OciResourcesTest, EventsTellWhatIsUsedAndOomKills) {
  resources()["memory"] = {{"limit", 16 << 20}, {"swap", 16 << 20}};
  command("while ! test -e /dev/shm/go; do sleep 0.05; done; dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 60");
  ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  const Json stats = Json::parse(oci({"events", "--stats", "one"}).out);
  EXPECT_EQ(stats.at("type"), "stats");
  EXPECT_EQ(stats.at("id"), "one");
  EXPECT_EQ(stats.at("data").at("memory").at("usage").at("limit"), 16 << 20);
  EXPECT_GT(stats.at("data").at("memory").at("usage").at("usage"), 0);
  EXPECT_GT(stats.at("data").at("cpu").at("usage").at("total"), 0);
  EXPECT_GT(stats.at("data").at("pids").at("current"), 0);
  const pid_t follower = begin({"events", "--interval", "50ms", "one"}, "events");
  EXPECT_TRUE(within(5, [&] { return has(slurp(dir_ / "events.out"), "\"type\":\"stats\""); }));
  EXPECT_EQ(oci({"exec", "one", "touch", "/dev/shm/go"}).code, 0);
  EXPECT_TRUE(within(10, [&] { return has(slurp(dir_ / "events.out"), "{\"type\":\"oom\",\"id\":\"one\"}"); }))
      << slurp(dir_ / "events.out");
  EXPECT_EQ(oci({"kill", "one", "KILL"}).code, 0);
  EXPECT_EQ(finish(follower, "events").code, 0) << "ends with the container";
  EXPECT_TRUE(has(oci({"events", "--interval", "soon", "one"}).err, "--interval: found \"soon\""));
}

}  // namespace
}  // namespace mete::test
