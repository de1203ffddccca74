// SPDX-License-Identifier: Apache-2.0
// mete-oci's commands on a real kernel: the life of a container, and what it sees from inside.
#include <csignal>

#include "tests/root/oci/oci_support.h"

namespace mete::test {
namespace {

TEST_F(OciTest, RunReturnsTheContainersCode) {
  EXPECT_EQ(run("exit 7").code, 7);
  expect_nothing_left();
  EXPECT_EQ(run("exit 0").code, 0);
  EXPECT_EQ(run("kill -9 $$").code, 0) << "pid 1 of a namespace is not killed by itself";
  expect_nothing_left();
}

TEST_F(OciTest, TheWholeLife) {
  command("echo begun; sleep 60");
  const Done made = create();
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(status(), "created");
  EXPECT_EQ(slurp(dir_ / "create-one.out"), "") << "create must not run the command";
  EXPECT_NE(oci({"delete", "one"}).code, 0) << "delete only from stopped";
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  EXPECT_EQ(status(), "running");
  EXPECT_NE(oci({"start", "one"}).err.find("found it running, expected it created"), std::string::npos);
  EXPECT_TRUE(within(5, [&] { return slurp(dir_ / "create-one.out") == "begun\n"; }));
  EXPECT_NE(oci({"delete", "one"}).err.find("found it running, expected it stopped"), std::string::npos);
  const Json pids = Json::parse(oci({"ps", "--format", "json", "one"}).out);
  EXPECT_FALSE(pids.empty());
  EXPECT_EQ(std::to_string(Json::parse(oci({"state", "one"}).out).at("pid").get<int>()), slurp(dir_ / "pid"));
  EXPECT_EQ(oci({"kill", "one", "KILL"}).code, 0);
  EXPECT_TRUE(within(5, [&] { return status() == "stopped"; }));
  EXPECT_NE(oci({"kill", "one", "KILL"}).err.find("container not running"), std::string::npos);
  EXPECT_EQ(oci({"delete", "one"}).code, 0);
  EXPECT_NE(oci({"delete", "one"}).err.find("does not exist"), std::string::npos);
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0) << "twice is fine";
  expect_nothing_left();
}

TEST_F(OciTest, DeleteForceEndsARunningAndACreatedContainer) {
  command("sleep 60 & sleep 60");
  for (const bool start : {false, true}) {
    ASSERT_EQ(create().code, 0);
    if (start) {
      ASSERT_EQ(oci({"start", "one"}).code, 0);
    }
    const Done removed = oci({"delete", "--force", "one"});
    EXPECT_EQ(removed.code, 0) << removed.err;
    expect_nothing_left();
  }
}

TEST_F(OciTest, PauseAndResume) {
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  EXPECT_EQ(oci({"pause", "one"}).code, 0);
  EXPECT_EQ(status(), "paused");
  EXPECT_NE(oci({"exec", "one", "true"}).code, 0);
  EXPECT_EQ(oci({"resume", "one"}).code, 0);
  EXPECT_EQ(status(), "running");
  EXPECT_EQ(oci({"pause", "one"}).code, 0);
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0) << "a frozen container is thawed and removed";
  expect_nothing_left();
}

TEST_F(OciTest, ExecJoinsTheContainer) {
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  const Done seen = oci({"exec", "--env", "X=1", "--user", "5:6", "--cwd", "/bin", "one", "sh", "-c",
                         "hostname; id -u; id -g; pwd; echo $X; cat /proc/1/comm; exit 9"});
  EXPECT_EQ(seen.code, 9) << seen.err;
  EXPECT_EQ(seen.out, "mete\n5\n6\n/bin\n1\nsleep\n");
  std::ofstream(dir_ / "process.json") << Json{
      {"args", {"sh", "-c", "echo $A; exit 3"}},
      {"env", {"A=from-file", "PATH=/bin"}},
      {"cwd", "/"}}.dump();
  const Done file = oci({"exec", "--process", dir_ / "process.json", "one"});
  EXPECT_EQ(file.code, 3) << file.err;
  EXPECT_EQ(file.out, "from-file\n");
  EXPECT_NE(oci({"exec", "--user", "root", "one", "true"}).err.find("expected a number"), std::string::npos);
}

// The state remembers where the hierarchies were mounted. It is asked only where they still are.
TEST_F(OciTest, HierarchiesThatWereMountedAgainAreFound) {
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  const std::string path = root() + "/one/state.json";
  const Json made = Json::parse(slurp(path));
  ASSERT_TRUE(made["cgroupMounts"].get<std::string>().find("/sys/fs/cgroup") != std::string::npos) << made;
  for (const char* mounts : {"7 1 0:99 / /no/such/place rw - cgroup cgroup rw,memory\n", "nonsense", ""}) {
    Json changed = made;
    changed["cgroupMounts"] = mounts;
    std::ofstream(path) << changed.dump();
    EXPECT_EQ(status(), "created") << mounts;
  }
  EXPECT_EQ(oci({"start", "one"}).code, 0);
  EXPECT_EQ(oci({"exec", "one", "true"}).code, 0);
  EXPECT_EQ(oci({"pause", "one"}).code, 0);
  EXPECT_EQ(status(), "paused");
  for (const char* mounts : {"7 1 0:99 / /no/such/place rw - cgroup cgroup rw,memory\n",
                             "7 / /no/such/place 1 freezer\n", "7 / /no/such/place 2 \n", "nonsense"}) {
    Json changed = made;
    changed["cgroupMounts"] = mounts;
    std::ofstream(path) << changed.dump();
    EXPECT_NE(oci({"exec", "one", "true"}).err.find("found it paused"), std::string::npos) << mounts;
  }
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
  expect_nothing_left();
}

TEST_F(OciTest, LimitsAreSetAndUpdated) {
  config_["linux"]["resources"]["memory"] = {{"limit", 64 << 20}};
  config_["linux"]["resources"]["pids"] = {{"limit", 40}};
  config_["linux"]["resources"]["cpu"] = {{"quota", 50000}, {"period", 100000}, {"shares", 512}};
  command("sleep 60");
  const Done made = create();
  ASSERT_EQ(made.code, 0) << made.err;
  const auto group = parent().child("one").value();
  const bool v1 = hierarchies_.on_v1("memory");
  EXPECT_EQ(group.read("pids", "pids.max").value_or(""), "40\n");
  EXPECT_EQ(group.read("memory", v1 ? "memory.limit_in_bytes" : "memory.max").value_or(""),
            std::to_string(64 << 20) + "\n");
  std::ofstream(dir_ / "resources.json") << R"({"pids": {"limit": 50}})";
  EXPECT_EQ(oci({"update", "--resources", dir_ / "resources.json", "one"}).code, 0);
  EXPECT_EQ(group.read("pids", "pids.max").value_or(""), "50\n");
  const auto pids = group.processes();
  ASSERT_TRUE(pids);
  EXPECT_EQ(pids->size(), 1U);
  // In all hierarchies, not in the one that was asked.
  for (const auto& file : group.procs_files()) EXPECT_EQ(slurp(file), slurp(dir_ / "pid") + "\n") << file;
}

TEST_F(OciTest, WhatIsSeenFromInside) {
  config_["process"]["user"] = {{"uid", 1000}, {"gid", 1001}, {"umask", 027}, {"additionalGids", {7}}};
  config_["process"]["cwd"] = "/work";
  config_["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
  config_["domainname"] = "inside.test";
  config_["linux"]["devices"] = {{{"path", "/dev/mine"},
                                  {"type", "c"},
                                  {"major", 1},
                                  {"minor", 3},
                                  {"fileMode", 0640},
                                  {"uid", 1000},
                                  {"gid", 1001}}};
  config_["root"]["readonly"] = false;
  const Done seen =
      run("id -u; id -G; umask; pwd; cat /proc/sys/net/ipv4/ip_forward; cat /proc/sys/kernel/domainname; stat -c "
          "%a,%u,%g /dev/mine; "
          "grep -E 'CapInh|CapEff|NoNewPrivs' /proc/self/status; echo $HOME; ls /proc/self/fd | grep -c .; readlink "
          "/proc/self/ns/pid; cat /proc/self/cgroup");
  EXPECT_EQ(seen.code, 0) << seen.err;
  const std::string expected =
      "1000\n1001 "
      "7\n0027\n/"
      "work\n1\ninside.test\n640,1000,1001\nCapInh:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n/"
      "\n4\n";
  EXPECT_EQ(seen.out.substr(0, expected.size()), expected);
  EXPECT_EQ(seen.out.find("mete-oci-test"), std::string::npos)
      << "its cgroup namespace shows its own group as the root";
}

TEST_F(OciTest, MountsAndMasks) {
  std::filesystem::create_directories(dir_ / "volume");
  std::ofstream(dir_ / "volume/file") << "content";
  config_["mounts"].push_back({{"destination", "/data"}, {"source", dir_ / "volume"}, {"options", {"rbind", "ro"}}});
  config_["mounts"].push_back(
      {{"destination", "/tmp"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"options", {"size=1m", "nosuid", "noexec"}}});
  const Done seen =
      run("cat /data/file; touch /data/x || echo ro; touch /x || echo root-ro; cat /proc/kcore | dd bs=1 count=1 "
          "2>/dev/null; "
          "echo 1 > /proc/sys/kernel/shmmni || echo sys-ro; grep ' /tmp ' /proc/mounts; ls /sys/fs/cgroup");
  EXPECT_EQ(seen.code, 0) << seen.err;
  for (const char* const expected : {"content", "ro\n", "root-ro\n", "sys-ro\n", "noexec", "size=1024k"}) {
    EXPECT_NE(seen.out.find(expected), std::string::npos) << expected << "\n" << seen.out << seen.err;
  }
}

TEST_F(OciTest, SeccompDenies) {
  config_["linux"]["seccomp"] = {
      {"defaultAction", "SCMP_ACT_ALLOW"},
      {"architectures", {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}},
      {"syscalls", {{{"names", {"chdir"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 38}}}}};
  for (const bool no_new_privileges : {true, false}) {
    config_["process"]["noNewPrivileges"] = no_new_privileges;
    const Done seen = run("cd /bin 2>/dev/null || echo denied; grep Seccomp: /proc/self/status");
    EXPECT_NE(seen.out.find("denied"), std::string::npos) << seen.out << seen.err;
    EXPECT_NE(seen.out.find("Seccomp:\t2"), std::string::npos) << seen.out;
  }
}

TEST_F(OciTest, DevicesAreDeniedOnV1) {
  if (!hierarchies_.on_v1("devices")) GTEST_SKIP() << "needs the devices controller on v1";
  config_["linux"]["devices"] = {{{"path", "/dev/port"}, {"type", "c"}, {"major", 1}, {"minor", 4}}};
  const Done seen = run(
      "cat /dev/port > /dev/null || echo denied; dd if=/dev/zero of=/dev/null bs=1 count=1 2>/dev/null && echo fine");
  EXPECT_NE(seen.out.find("denied\nfine\n"), std::string::npos) << seen.out << seen.err;
}

TEST_F(OciTest, AUserNamespaceAndATimeNamespace) {
  config_["linux"]["namespaces"].push_back({{"type", "user"}});
  config_["linux"]["namespaces"].push_back({{"type", "time"}});
  config_["linux"]["uidMappings"] = {{{"containerID", 0}, {"hostID", 0}, {"size", 65536}}};
  config_["linux"]["gidMappings"] = {{{"containerID", 0}, {"hostID", 0}, {"size", 65536}}};
  config_["linux"]["timeOffsets"] = {{"boottime", {{"secs", 1000000}}}};
  const Done seen = run("cat /proc/self/uid_map; cat /proc/uptime");
  EXPECT_EQ(seen.code, 0) << seen.err;
  EXPECT_NE(seen.out.find("0          0      65536"), std::string::npos) << seen.out;
  EXPECT_GT(std::strtod(seen.out.substr(seen.out.find('\n') + 1).c_str(), nullptr), 1e6) << seen.out;
}

TEST_F(OciTest, RunPassesSignalsOn) {
  command("trap 'exit 42' TERM; echo ready; while true; do sleep 0.05; done");
  write_config();
  const pid_t call = begin({"run", "--bundle", bundle(), "one"});
  ASSERT_TRUE(within(5, [&] { return slurp(dir_ / "call.out") == "ready\n"; }));
  ::kill(call, SIGTERM);
  EXPECT_EQ(finish(call).code, 42);
  expect_nothing_left();
}

TEST_F(OciTest, FeaturesAndListAreJson) {
  EXPECT_EQ(Json::parse(oci({"features"}).out).at("ociVersionMax"), "1.3.0");
  EXPECT_EQ(Json::parse(oci({"list", "--format", "json"}).out), Json::array());
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  EXPECT_EQ(Json::parse(oci({"list", "--format", "json"}).out).at(0).at("id"), "one");
  EXPECT_NE(oci({"--version"}).out.find("spec: 1.3.0"), std::string::npos);
}

}  // namespace
}  // namespace mete::test
