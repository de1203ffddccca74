// SPDX-License-Identifier: Apache-2.0
// Fields of config.json on a real kernel, seen from inside the container: process and hooks. (Mounts and namespaces
// are in oci_mounts_root_test.cpp, resources in oci_resources_root_test.cpp.)
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/root/oci/oci_support.h"

namespace mete::test {
namespace {

class OciFieldsTest : public OciTest {
 protected:
  // Returns the output of the script; the container must exit with 0.
  std::string seen(const std::string& script) {
    const Done done = run(script);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out;
  }
  std::string refused() {
    command("true");
    write_config();
    const Done done = oci({"create", "--bundle", bundle(), "one"});
    EXPECT_EQ(done.code, 1);
    expect_nothing_left();
    return done.err;
  }
  Json hook(const std::string& script) const {
    return {{"path", "/bin/sh"},
            {"args", {"sh", "-c", script}},
            {"env", {"PATH=/bin:/usr/bin", "MARK=hook"}},
            {"timeout", 10}};
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

// Fields 19 (nice) and 41 (policy) of /proc/PID/stat, counted behind the command in parentheses.
std::pair<std::string, std::string> nice_and_policy(const std::string& stat) {
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::vector<std::string> all;
  for (std::string each; fields >> each;) all.push_back(each);
  return {all.at(16), all.at(38)};
}

TEST_F(OciFieldsTest, SchedulerAndNice) {
  config_["process"]["scheduler"] = {{"policy", "SCHED_BATCH"}, {"nice", 7}};
  EXPECT_EQ(nice_and_policy(seen("cat /proc/self/stat")), std::pair(std::string("7"), std::to_string(SCHED_BATCH)));
}

TEST_F(OciFieldsTest, ADeadline) {
  config_["process"]["scheduler"] = {
      {"policy", "SCHED_DEADLINE"}, {"runtime", 1000000}, {"deadline", 20000000}, {"period", 20000000}};
  command("sleep 60");
  ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
  const std::string pid = slurp(dir_ / "pid");
  constexpr int kDeadline = 6;  // SCHED_DEADLINE, which libc has no name for
  EXPECT_EQ(nice_and_policy(slurp("/proc/" + pid + "/stat")).second, std::to_string(kDeadline));
  // sched_getattr(2): size, policy, flags, nice, priority, runtime, deadline, period.
  struct {
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
  } attributes{};
  ASSERT_EQ(::syscall(SYS_sched_getattr, std::stoi(pid), &attributes, sizeof attributes, 0), 0);
  EXPECT_EQ(attributes.runtime, 1000000U);
  EXPECT_EQ(attributes.deadline, 20000000U);
  EXPECT_EQ(attributes.period, 20000000U);
}

TEST_F(OciFieldsTest, ARealTimeSchedulerWithoutBandwidthFailsCreate) {
  if (!hierarchies_.on_v1("cpu"))
    GTEST_SKIP() << "needs the cpu controller on v1, where a fresh group has no real-time bandwidth";
  config_["process"]["scheduler"] = {{"policy", "SCHED_FIFO"}, {"priority", 10}};
  EXPECT_TRUE(has(refused(), "set the scheduling"));
}

TEST_F(OciFieldsTest, IoPriority) {
  config_["process"]["ioPriority"] = {{"class", "IOPRIO_CLASS_IDLE"}, {"priority", 0}};
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  const std::string pid = slurp(dir_ / "pid");
  const int priority = static_cast<int>(::syscall(SYS_ioprio_get, 1, std::stoi(pid)));
  EXPECT_EQ(priority >> 13, 3);
}

TEST_F(OciFieldsTest, Personality) {
  config_["linux"]["personality"] = {{"domain", "LINUX32"}};
  EXPECT_EQ(seen("uname -m"), "i686\n");
}

TEST_F(OciFieldsTest, MemoryPolicy) {
  config_["linux"]["memoryPolicy"] = {{"mode", "MPOL_BIND"}, {"nodes", "0"}, {"flags", {"MPOL_F_STATIC_NODES"}}};
  const std::string maps = seen("cat /proc/self/numa_maps");
  if (maps.empty()) GTEST_SKIP() << "needs a kernel with NUMA";
  EXPECT_TRUE(has(maps, "bind=static:0") || has(maps, "bind:0")) << maps;
}

TEST_F(OciFieldsTest, ExecAffinity) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "needs two CPUs";
  config_["process"]["execCPUAffinity"] = {{"initial", "0"}, {"final", "1"}};
  EXPECT_TRUE(has(seen("grep Cpus_allowed_list /proc/self/status"), "0-")) << "not for the container's own process";
  command("sleep 60");
  ASSERT_EQ(create().code, 0);
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  EXPECT_TRUE(has(oci({"exec", "one", "grep", "Cpus_allowed_list", "/proc/self/status"}).out, "\t1\n"));
  std::ofstream(dir_ / "process.json") << Json{
      {"args", {"grep", "Cpus_allowed_list", "/proc/self/status"}},
      {"env", {"PATH=/bin"}},
      {"cwd", "/"},
      {"execCPUAffinity", {{"final", "0"}}}}.dump();
  EXPECT_TRUE(has(oci({"exec", "--process", dir_ / "process.json", "one"}).out, "\t0\n"));
}

TEST_F(OciFieldsTest, RlimitsAndCapabilities) {
  config_["process"]["rlimits"] = {{{"type", "RLIMIT_NOFILE"}, {"soft", 33}, {"hard", 44}},
                                   {{"type", "RLIMIT_CORE"}, {"soft", 0}, {"hard", 0}}};
  Json& sets = config_["process"]["capabilities"];
  sets = {{"bounding", {"CAP_CHOWN", "CAP_KILL"}},
          {"permitted", {"CAP_CHOWN", "CAP_KILL"}},
          {"effective", {"CAP_CHOWN"}},
          {"inheritable", {"CAP_KILL"}},
          {"ambient", {"CAP_KILL"}}};
  config_["process"]["user"] = {{"uid", 1000}, {"gid", 1000}};
  const std::string text = seen("ulimit -Sn; ulimit -Hn; grep Cap /proc/self/status");
  EXPECT_TRUE(text.starts_with("33\n44\n")) << text;
  // A user other than root keeps over the exec what is ambient.
  EXPECT_TRUE(has(text,
                  "CapInh:\t0000000000000020\nCapPrm:\t0000000000000020\nCapEff:\t0000000000000020\nCapBnd:"
                  "\t0000000000000021\nCapAmb:\t0000000000000020"))
      << text;
}

TEST_F(OciFieldsTest, ARlimitThatIsRefusedIsNamed) {
  // Past /proc/sys/fs/nr_open nobody may go, whatever his capabilities.
  const std::uint64_t most = std::stoull(slurp("/proc/sys/fs/nr_open"));
  config_["process"]["rlimits"] = {{{"type", "RLIMIT_NOFILE"}, {"soft", 33}, {"hard", most + 1}}};
  EXPECT_TRUE(has(refused(), "set resource limit RLIMIT_NOFILE"));
}

TEST_F(OciFieldsTest, OomScoreAdj) {
  config_["process"]["oomScoreAdj"] = 321;
  EXPECT_EQ(seen("cat /proc/self/oom_score_adj"), "321\n");
}

TEST_F(OciFieldsTest, LabelsOfWhatTheKernelHasNot) {
  if (std::filesystem::exists("/sys/module/apparmor/parameters/enabled")) GTEST_SKIP() << "this kernel has AppArmor";
  config_["process"]["apparmorProfile"] = "docker-default";
  EXPECT_TRUE(has(refused(), "process.apparmorProfile: this kernel has no AppArmor"));
}

TEST_F(OciFieldsTest, HooksRunInTheirPlacesWithTheState) {
  const std::string log = dir_ / "hooks";
  const auto note = [&](const std::string& point) {
    return hook("echo \"" + point + " $MARK $(pwd) $(readlink /proc/self/ns/mnt) $(cat)\" >> " + log);
  };
  config_["hooks"] = {{"prestart", {note("prestart")}},
                      {"createRuntime", {note("createRuntime")}},
                      {"createContainer", {note("createContainer")}},
                      {"poststart", {note("poststart")}},
                      {"poststop", {note("poststop")}}};
  config_["hooks"]["startContainer"] = {
      {{"path", "/bin/sh"},
       {"args", {"sh", "-c", "read state; echo \"$state\" > /dev/shm/state; id -u >> /dev/shm/state"}},
       {"env", {"PATH=/bin"}}}};
  config_["annotations"] = {{"a.b", "c"}};
  config_["process"]["user"]["uid"] = 7;
  command("cat /dev/shm/state; readlink /proc/self/ns/mnt; sleep 60");
  ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
  std::vector<std::string> lines;
  const auto read = [&] {
    lines.clear();
    std::istringstream text(slurp(log));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines.size();
  };
  ASSERT_EQ(read(), 3U);
  const std::string here = std::filesystem::read_symlink("/proc/self/ns/mnt");
  const std::string pid = slurp(dir_ / "pid");
  const std::string creating = "{\"ociVersion\":\"1.3.0\",\"id\":\"one\",\"status\":\"creating\",\"pid\":" + pid +
                               ",\"bundle\":\"" + bundle() + "\",\"annotations\":{\"a.b\":\"c\"}}";
  EXPECT_EQ(lines[0], "prestart hook " + bundle() + " " + here + " " + creating);
  EXPECT_EQ(lines[1], "createRuntime hook " + bundle() + " " + here + " " + creating);
  EXPECT_TRUE(lines[2].starts_with("createContainer hook")) << lines[2];
  EXPECT_FALSE(has(lines[2], here)) << "not in its namespace: " << lines[2];
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  ASSERT_EQ(read(), 4U);
  EXPECT_TRUE(has(lines[3], "poststart hook") && has(lines[3], "\"status\":\"running\"")) << lines[3];
  EXPECT_TRUE(within(5, [&] { return has(slurp(dir_ / "create-one.out"), "mnt:"); }));
  const std::string out = slurp(dir_ / "create-one.out");
  EXPECT_TRUE(has(out, "\"status\":\"created\"")) << out;
  EXPECT_TRUE(has(out, "\n7\nmnt:")) << "the container's user: " << out;
  ASSERT_EQ(oci({"delete", "--force", "one"}).code, 0);
  ASSERT_EQ(read(), 5U);
  EXPECT_TRUE(has(lines[4], "poststop hook") && has(lines[4], "\"status\":\"stopped\"") && !has(lines[4], "\"pid\""))
      << lines[4];
  expect_nothing_left();
}

TEST_F(OciFieldsTest, AFailedHookFailsItsCommandAndIsQuoted) {
  for (const char* const point : {"prestart", "createRuntime", "createContainer"}) {
    config_["hooks"] = {{point, {hook("echo for a reason >&2; exit 3")}},
                        {"poststop", {hook("touch " + std::string(dir_ / "undone"))}}};
    const std::string error = refused();
    EXPECT_TRUE(has(error, "hooks." + std::string(point) + "[0] /bin/sh: ended with status 3: for a reason")) << error;
    EXPECT_TRUE(std::filesystem::remove(std::filesystem::path(dir_ / "undone"))) << "poststop after a failed " << point;
  }
  for (const char* const point : {"startContainer", "poststart"}) {
    config_["hooks"] = {{point, {hook("exit 4")}}};
    command("sleep 60");
    ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
    const Done started = oci({"start", "one"});
    EXPECT_EQ(started.code, 1);
    EXPECT_TRUE(has(started.err, "hooks." + std::string(point))) << started.err;
    expect_nothing_left();
  }
  config_["hooks"] = {{"poststop", {hook("exit 5"), hook("touch " + std::string(dir_ / "second"))}}};
  const Done ran = run("exit 6");
  EXPECT_EQ(ran.code, 6) << "a failed poststop hook is a warning";
  EXPECT_TRUE(has(ran.err, "warning: hooks.poststop[0] /bin/sh: ended with status 5")) << ran.err;
  EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(dir_ / "second")));
}

TEST_F(OciFieldsTest, AHookPastItsTimeoutIsKilled) {
  config_["hooks"] = {{"createRuntime", {hook("sleep 60")}}};
  config_["hooks"]["createRuntime"][0]["timeout"] = 1;
  EXPECT_TRUE(has(refused(), "found it running after 1 s, its timeout; killed"));
}

TEST_F(OciFieldsTest, ASessionKeyringOfItsOwn) {
  if (!std::filesystem::exists("/proc/keys")) GTEST_SKIP() << "needs a kernel with keys";
  config_["linux"]["maskedPaths"] = Json::array();
  EXPECT_TRUE(has(seen("cat /proc/keys"), "_ses.one"));
}

TEST_F(OciFieldsTest, ReadinessIsToldOn) {
  if (std::system("command -v python3 > /dev/null") != 0) GTEST_SKIP() << "needs python3 as the manager";
  command("echo $NOTIFY_SOCKET; sleep 0.2; echo told; sleep 60");
  ASSERT_EQ(::setenv("NOTIFY_SOCKET", (dir_ / "manager").c_str(), 1), 0);
  const Done made = create();
  const std::string inside = root() + "/one/notify/notify.sock";
  // The manager's side, and then the container's: busybox has no client of datagram sockets.
  const std::string script =
      "import "
      "socket,sys,time\nm=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\nm.bind(sys.argv[1])\nm.settimeout(10)\nc="
      "socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
      "for i in range(200):\n  try:\n    c.sendto(b\"STATUS=x\\nREADY=1\",sys.argv[2]); break\n  except OSError: "
      "time.sleep(0.02)\nprint(m.recv(100).decode())\n";
  std::ofstream(dir_ / "manager.py") << script;
  ASSERT_EQ(std::system(("python3 " + std::string(dir_ / "manager.py") + " " + std::string(dir_ / "manager") + " " +
                         inside + " > " + std::string(dir_ / "heard") + " &")
                            .c_str()),
            0);
  ASSERT_TRUE(within(5, [&] { return std::filesystem::exists(std::filesystem::path(dir_ / "manager")); }));
  const Done started = oci({"start", "one"});
  ::unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(started.code, 0) << started.err;
  EXPECT_TRUE(within(5, [&] { return has(slurp(dir_ / "heard"), "MAINPID=" + slurp(dir_ / "pid") + "\nREADY=1"); }))
      << slurp(dir_ / "heard");
  EXPECT_TRUE(has(slurp(dir_ / "create-one.out"), "/run/notify/notify.sock"));
}

TEST_F(OciFieldsTest, PreservedAndActivationDescriptors) {
  command("cat <&3; ls /proc/self/fd; echo $LISTEN_FDS,$LISTEN_PID");
  write_config();
  std::ofstream(dir_ / "given") << "by descriptor\n";
  const auto call = [&](const std::string& before, const std::string& flags) {
    const std::string shell = before + " " METE_BIN_DIR "/mete-oci --root " + root() + " run " + flags + " --bundle " +
                              bundle() + " one 3< " + std::string(dir_ / "given") + " 4</dev/null > " +
                              std::string(dir_ / "out");
    EXPECT_EQ(std::system(shell.c_str()), 0);
    return slurp(dir_ / "out");
  };
  const std::string preserved = call("", "--preserve-fds 1");
  EXPECT_TRUE(preserved.starts_with("by descriptor\n0\n1\n2\n3\n") && has(preserved, "\n,\n")) << preserved;
  const std::string activated = call("LISTEN_FDS=1", "");
  EXPECT_TRUE(activated.starts_with("by descriptor\n") && has(activated, "\n1,1\n")) << activated;
}

}  // namespace
}  // namespace mete::test
