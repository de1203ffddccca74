// SPDX-License-Identifier: Apache-2.0
// linux.resources, seccomp listeners, network interfaces and devices on a real kernel; `update` and `events`.
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <thread>

#include "runtime/descriptor_passing.h"
#include "tests/root/oci_support.h"

namespace mete::test {
namespace {

using runtime::receive_with_descriptor;
using runtime::UniqueFd;

class OciResourcesTest : public OciTest {
 protected:
  bool v1(const char* controller) const { return hierarchies_.on_v1(controller); }
  Json& resources() { return config_["linux"]["resources"]; }
  void start_sleeping() {
    command("sleep 60");
    ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
    ASSERT_EQ(oci({"start", "one"}).code, 0);
  }
  std::string file(const char* controller, const std::string& name) const {
    return parent().child("one").value().read(controller, name).value_or("(none)");
  }
  // /dev/kmsg: a device that no container has by default, and that everybody with this capability may open.
  void add_kernel_log() {
    config_["linux"]["devices"].push_back({{"path", "/dev/kmsg"}, {"type", "c"}, {"major", 1}, {"minor", 11}});
    for (const char* const set : {"bounding", "effective", "permitted"})
      config_["process"]["capabilities"][set].push_back("CAP_SYSLOG");
  }
  std::string refused() {
    command("true");
    write_config();
    const Done done = oci({"create", "--bundle", bundle(), "one"});
    EXPECT_EQ(done.code, 1);
    expect_nothing_left();
    return done.err;
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  // The whole disk below a path.
  static std::string disk_of(const std::string& path) {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  }
  static bool is_disk(const std::string& disk) {
    return std::filesystem::exists("/sys/dev/block/" + disk) &&
           !std::filesystem::exists("/sys/dev/block/" + disk + "/partition");
  }
};

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

TEST_F(OciResourcesTest, ASeccompListenerIsTold) {
  const std::string path = dir_ / "listener";
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(server.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(server.get(), 4), 0);
  config_["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                 {"listenerPath", path},
                                 {"listenerMetadata", "for the listener"},
                                 {"syscalls", {{{"names", {"mkdir"}}, {"action", "SCMP_ACT_NOTIFY"}}}}};
  Json told;
  std::uint64_t answered = 0;
  std::thread agent([&] {
    const UniqueFd connection(::accept(server.get(), nullptr, nullptr));
    char text[4096];
    UniqueFd listener;
    const ssize_t got = receive_with_descriptor(connection.get(), text, sizeof text, listener);
    told = Json::parse(std::string(text, got > 0 ? static_cast<std::size_t>(got) : 0), nullptr, false);
    struct seccomp_notif request {};
    if (::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) return;
    answered = static_cast<std::uint64_t>(request.data.nr);
    struct seccomp_notif_resp response {};
    response.id = request.id;
    response.error = -71;  // EPROTO: nobody else would say that
    ::ioctl(listener.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  });
  const Done done = run("busybox mkdir /tmp/x 2>&1");
  agent.join();
  EXPECT_TRUE(has(done.out, "Protocol error")) << done.out << done.err;
  EXPECT_EQ(answered, 83U) << "mkdir";
  ASSERT_TRUE(told.is_object());
  EXPECT_EQ(told.at("fds"), Json::array({"seccompFd"}));
  EXPECT_EQ(told.at("metadata"), "for the listener");
  EXPECT_EQ(told.at("state").at("id"), "one");
  EXPECT_EQ(told.at("pid"), told.at("state").at("pid"));
  // Nobody there: create fails, and nothing is left.
  std::filesystem::remove(path);
  EXPECT_TRUE(has(refused(), "linux.seccomp.listenerPath"));
}

TEST_F(OciResourcesTest, NetworkInterfacesAreMoved) {
  if (std::system("ip -V 2> /dev/null | grep -q iproute2") != 0) GTEST_SKIP() << "needs Debian's iproute2";
  config_["linux"]["netDevices"] = {{"mete-a", {{"name", "inside0"}}}};
  command(
      "cat /proc/net/dev | grep inside0; cat /sys/class/net/inside0/flags; cat /proc/net/fib_trie | grep -c 10.99.7.5; "
      "cat /proc/net/if_inet6 | grep inside0");
  write_config();
  // In a network namespace of the test's own: the machine's is not touched.
  const std::string script =
      "ip link add mete-a type veth peer name mete-b && ip addr add 10.99.7.5/24 dev mete-a && ip addr add fd99::5/64 "
      "nodad dev mete-a && ip link set mete-b up && " METE_BIN_DIR "/mete-oci --root " +
      root() + " run --bundle " + bundle() + " one > " + std::string(dir_ / "out") + " 2>&1";
  const int code = std::system(("unshare -n sh -c '" + script + "'").c_str());
  const std::string out = slurp(dir_ / "out");
  EXPECT_EQ(code, 0) << out;
  EXPECT_TRUE(has(out, "inside0") && has(out, "0x1003") && has(out, "fd990000000000000000000000000005")) << out;
  EXPECT_FALSE(has(out, "\n0\n")) << "its address is there: " << out;
  config_["linux"]["netDevices"] = {{"no-such", Json::object()}};
  EXPECT_TRUE(has(refused(), "linux.netDevices: no-such: found no such interface"));
}

}  // namespace
}  // namespace mete::test
