// SPDX-License-Identifier: Apache-2.0
// The commands as clients use them: exit codes, terminals, flags.
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include <thread>

#include "runtime/descriptor_passing.h"
#include "tests/root/oci/oci_support.h"

namespace mete::test {
namespace {

using runtime::UniqueFd;

class OciCommandsTest : public OciTest {
 protected:
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
  void start_sleeping() {
    command("sleep 60");
    ASSERT_EQ(create().code, 0) << slurp(dir_ / "create-one.err");
    ASSERT_EQ(oci({"start", "one"}).code, 0);
  }
  // The commands of all processes in the container's cgroup.
  std::size_t processes() const { return parent().child("one")->processes().value_or(std::vector<pid_t>()).size(); }
  // mete-oci with its standard input on a terminal of 33 rows and 77 columns, and its output in a file.
  Done on_terminal(std::vector<std::string> words) {
    const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    EXPECT_TRUE(master.valid() && ::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0);
    struct winsize size {};
    size.ws_row = 33;
    size.ws_col = 77;
    EXPECT_EQ(::ioctl(master.get(), TIOCSWINSZ, &size), 0);
    return finish(begin(std::move(words), "tty", ::ptsname(master.get())), "tty");
  }
};

TEST_F(OciCommandsTest, ATerminalInTheForegroundHasItsSizeAndWritesPlainLines) {
  std::filesystem::create_symlink("busybox", bundle() + "/rootfs/bin/stty");
  config_["process"]["terminal"] = true;
  command("stty size; echo text");
  write_config();
  const Done done = on_terminal({"run", "--bundle", bundle(), "one"});
  EXPECT_EQ(done.out, "33 77\ntext\n") << done.err;
  config_["process"]["terminal"] = false;
  start_sleeping();
  EXPECT_EQ(on_terminal({"exec", "--tty", "one", "sh", "-c", "stty size; echo text"}).out, "33 77\ntext\n");
}

TEST_F(OciCommandsTest, ExecFailsWith255WhereItIsNotTheCommand) {
  start_sleeping();
  EXPECT_EQ(oci({"exec", "one", "sh", "-c", "exit 1"}).code, 1);
  EXPECT_EQ(oci({"exec", "one", "no-such-command"}).code, 255);
  EXPECT_EQ(oci({"exec", "nobody", "true"}).code, 255);
  EXPECT_EQ(oci({"exec", "--no-such-flag", "one", "true"}).code, 255);
  EXPECT_EQ(oci({"exec", "--process", dir_ / "no-such-file", "one"}).code, 255);
  EXPECT_EQ(oci({"state", "nobody"}).code, 1) << "the others fail with 1";
}

TEST_F(OciCommandsTest, ExecMakesNoWorkingDirectory) {
  start_sleeping();
  const Done done = oci({"exec", "--cwd", "/not/there", "one", "true"});
  EXPECT_EQ(done.code, 255);
  EXPECT_TRUE(has(done.err, "change directory to /not/there")) << done.err;
  EXPECT_FALSE(std::filesystem::exists(bundle() + "/rootfs/not"));
  std::ofstream(dir_ / "process.json") << Json{
      {"args", {"true"}},
      {"env", {"PATH=/bin"}},
      {"cwd", "/not/there"}}.dump();
  EXPECT_EQ(oci({"exec", "--process", dir_ / "process.json", "one"}).code, 255);
  EXPECT_FALSE(std::filesystem::exists(bundle() + "/rootfs/not"));
}

TEST_F(OciCommandsTest, AnAddedCapabilityReachesAUser) {
  start_sleeping();
  const auto effective = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"exec", "--user", "1000"});
    words.insert(words.end(), {"one", "grep", "CapEff", "/proc/self/status"});
    return oci(words).out;
  };
  EXPECT_EQ(effective({}), "CapEff:\t0000000000000000\n");
  EXPECT_EQ(effective({"--cap", "CAP_KILL"}), "CapEff:\t0000000000000020\n");
  const auto of_root = [&](const char* set) {
    return oci({"exec", "--cap", "CAP_SYSLOG", "one", "grep", set, "/proc/self/status"}).out;
  };
  EXPECT_EQ(of_root("CapInh"), "CapInh:\t0000000000000000\n");
  EXPECT_EQ(of_root("CapAmb"), "CapAmb:\t0000000000000000\n");
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
  for (const char* const set : {"bounding", "permitted", "inheritable"})
    config_["process"]["capabilities"][set].push_back("CAP_SYSLOG");
  start_sleeping();
  EXPECT_EQ(of_root("CapAmb"), "CapAmb:\t0000000400000000\n") << "it is inheritable in the bundle";
}

TEST_F(OciCommandsTest, SignalZeroAsksWhetherItRuns) {
  start_sleeping();
  EXPECT_EQ(oci({"kill", "one", "0"}).code, 0);
  EXPECT_EQ(oci({"kill", "--all", "one", "0"}).code, 0);
  EXPECT_EQ(status(), "running");
  EXPECT_EQ(oci({"kill", "one", "KILL"}).code, 0);
  EXPECT_TRUE(within(5, [&] { return status() == "stopped"; }));
  EXPECT_TRUE(has(oci({"kill", "one", "0"}).err, "container not running"));
}

TEST_F(OciCommandsTest, DebugAndLogFormatDoWhatTheySay) {
  const std::string log = dir_ / "log";
  EXPECT_TRUE(has(oci({"--log-format", "xml", "list"}).err, "--log-format: found \"xml\", expected text or json"));
  command("true");
  write_config();
  const Done done = oci({"--debug", "--log", log, "--log-format", "json", "run", "--bundle", bundle(), "one"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_TRUE(has(done.err, "mete-oci: debug: run one")) << done.err;
  std::istringstream lines(slurp(log));
  bool mounts = false;
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line);
    EXPECT_EQ(entry.at("level"), "debug");
    mounts = mounts || has(entry.at("msg"), "mount proc on /proc");
  }
  EXPECT_TRUE(mounts) << slurp(log);
  EXPECT_EQ(oci({"run", "--bundle", bundle(), "one"}).err, "");
}

TEST_F(OciCommandsTest, ExecInACgroupBelow) {
  start_sleeping();
  const auto below = parent().child("one")->child("in").value();
  EXPECT_EQ(oci({"exec", "--cgroup", "in", "one", "true"}).code, 255) << "not there";
  // On v2 the container's group keeps its processes, so that no controller is passed on.
  if (hierarchies_.v1.empty()) {
    std::filesystem::create_directory(below.unified_directory());
  } else {
    ASSERT_TRUE(below.create());
  }
  for (const char* const path : {"in", "/in/"}) {
    ASSERT_EQ(oci({"exec", "--detach", "--cgroup", path, "one", "sleep", "30"}, "detached").code, 0)
        << slurp(dir_ / "detached.err");
  }
  EXPECT_EQ(below.processes()->size(), 2U);
  EXPECT_EQ(parent().child("one")->processes(false)->size(), 1U);
  if (hierarchies_.on_v1("pids")) {
    ASSERT_EQ(oci({"exec", "--detach", "--cgroup", "pids:in", "one", "sleep", "30"}, "detached").code, 0);
    EXPECT_EQ(below.read("pids", "pids.current").value_or(""), "3\n");
    EXPECT_EQ(below.read("freezer", "cgroup.procs").value_or(""), slurp(below.directory("memory") + "/cgroup.procs"));
  }
  EXPECT_TRUE(has(oci({"exec", "--cgroup", "no-controller:in", "one", "true"}).err, "no-controller"));
  EXPECT_TRUE(has(oci({"exec", "--cgroup", "../../..", "one", "true"}).err, "found \"..\""));
  EXPECT_EQ(oci({"delete", "--force", "one"}).code, 0);
  expect_nothing_left();
}

TEST_F(OciCommandsTest, ExecInAPausedContainerWaitsForItsResume) {
  start_sleeping();
  ASSERT_EQ(oci({"pause", "one"}).code, 0);
  EXPECT_TRUE(has(oci({"exec", "one", "true"}).err, "found it paused"));
  const pid_t waiting = begin({"exec", "--ignore-paused", "one", "sh", "-c", "echo ran"}, "waiting");
  EXPECT_TRUE(within(5, [&] { return processes() > 1; }));
  EXPECT_EQ(slurp(dir_ / "waiting.out"), "");
  ASSERT_EQ(oci({"resume", "one"}).code, 0);
  EXPECT_EQ(finish(waiting, "waiting").out, "ran\n");
}

TEST_F(OciCommandsTest, APidfdIsHandedOver) {
  const std::string path = dir_ / "pidfd";
  const UniqueFd server = listen_at(path);
  ASSERT_TRUE(server.valid());
  const struct timeval patience { 10, 0 };  // nobody connects: a failure, not a wait without end
  ASSERT_EQ(::setsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  const auto told_pid = [&] {
    const UniqueFd connection(::accept(server.get(), nullptr, nullptr));
    char text[64];
    UniqueFd pidfd;
    if (!connection.valid()) return std::string("none");
    (void)!runtime::receive_with_descriptor(connection.get(), text, sizeof text, pidfd);
    const std::string info = slurp("/proc/self/fdinfo/" + std::to_string(pidfd.get()));
    const auto at = info.find("Pid:\t");
    return at == std::string::npos ? std::string("none") : info.substr(at + 5, info.find('\n', at) - at - 5);
  };
  command("sleep 60");
  write_config();
  EXPECT_EQ(
      oci({"create", "--bundle", bundle(), "--pidfd-socket", path, "--pid-file", dir_ / "pid", "one"}, "made").code, 0)
      << slurp(dir_ / "made.err");
  EXPECT_EQ(told_pid(), slurp(dir_ / "pid"));
  ASSERT_EQ(oci({"start", "one"}).code, 0);
  EXPECT_EQ(
      oci({"exec", "--detach", "--pidfd-socket", path, "--pid-file", dir_ / "pid", "one", "sleep", "30"}, "made").code,
      0);
  EXPECT_EQ(told_pid(), slurp(dir_ / "pid"));
  EXPECT_EQ(oci({"exec", "--pidfd-socket", dir_ / "none", "one", "true"}).code, 255);
}

TEST_F(OciCommandsTest, PsTakesOptionsOfPs) {
  if (std::system("ps -V > /dev/null 2>&1") != 0) GTEST_SKIP() << "needs Debian's procps";
  start_sleeping();
  const Done done = oci({"ps", "one", "-o", "ppid,pid,args", "-e"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), 2) << done.out;
  EXPECT_TRUE(has(done.out, " " + slurp(dir_ / "pid") + " sleep 60")) << done.out;
  EXPECT_TRUE(has(oci({"ps", "one", "-o", "comm"}).err, "found no column PID"));
}

TEST_F(OciCommandsTest, WithoutAPidNamespaceAKillReachesAll) {
  auto& namespaces = config_["linux"]["namespaces"];
  namespaces.erase(
      std::find_if(namespaces.begin(), namespaces.end(), [](auto& each) { return each["type"] == "pid"; }));
  start_sleeping();
  ASSERT_EQ(oci({"exec", "--detach", "one", "sleep", "50"}, "detached").code, 0);
  ASSERT_EQ(oci({"kill", "one", "KILL"}).code, 0);
  EXPECT_TRUE(within(5, [&] { return processes() == 0; }));
  EXPECT_EQ(oci({"delete", "one"}).code, 0);
  start_sleeping();
  ASSERT_EQ(oci({"exec", "--detach", "one", "sleep", "50"}, "detached").code, 0);
  ASSERT_EQ(::kill(std::stoi(slurp(dir_ / "pid")), SIGKILL), 0);
  EXPECT_TRUE(within(5, [&] { return status() == "stopped"; }));
  EXPECT_EQ(processes(), 1U);
  EXPECT_EQ(oci({"kill", "--all", "one", "KILL"}).code, 0) << "its first process is gone, others are not";
  EXPECT_TRUE(within(5, [&] { return processes() == 0; }));
}

TEST_F(OciCommandsTest, WithoutAMountNamespaceTheRootIsEntered) {
  auto& namespaces = config_["linux"]["namespaces"];
  namespaces.erase(
      std::find_if(namespaces.begin(), namespaces.end(), [](auto& each) { return each["type"] == "mount"; }));
  command("sleep 60");
  EXPECT_TRUE(has((write_config(), oci({"create", "--bundle", bundle(), "one"}).err), "no mount namespace"));
  expect_nothing_left();
  config_["mounts"] = Json::array();
  config_["root"]["readonly"] = false;
  config_["linux"].erase("maskedPaths");
  config_["linux"].erase("readonlyPaths");
  std::ofstream(bundle() + "/rootfs/inside") << "here";
  start_sleeping();
  EXPECT_EQ(mounts(), "");
  EXPECT_EQ(oci({"exec", "one", "cat", "/inside"}).out, "here");
  EXPECT_EQ(oci({"exec", "--cwd", "/bin", "one", "cat", "../inside"}).out, "here");
}

TEST_F(OciCommandsTest, TheCallersCpusAreNotTheContainers) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  if (CPU_COUNT(&before) < 2) GTEST_SKIP() << "needs two CPUs";
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  const Done done = run("grep Cpus_allowed_list /proc/self/status");
  start_sleeping();
  const Done more = oci({"exec", "one", "grep", "Cpus_allowed_list", "/proc/self/status"});
  ASSERT_EQ(::sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_TRUE(has(done.out, "\t0-")) << done.out;
  EXPECT_TRUE(has(more.out, "\t0-")) << more.out;
}

TEST_F(OciCommandsTest, ALimitTooSmallToStartIsNamed) {
  config_["linux"]["resources"]["memory"] = {{"limit", 4096}, {"swap", 4096}};
  const Done done = run("true");
  EXPECT_EQ(done.code, 1);
  EXPECT_TRUE(has(done.err, "linux.resources.memory.limit: found 4096 bytes, which is too small to start")) << done.err;
  expect_nothing_left();
}

TEST_F(OciCommandsTest, AFileOnADirectoryIsSaidToBeThat) {
  std::ofstream(dir_ / "file") << "x";
  config_["mounts"].push_back(
      {{"destination", "/bin"}, {"type", "bind"}, {"source", dir_ / "file"}, {"options", {"bind"}}});
  EXPECT_TRUE(has(run("true").err, "the source is a file, and a directory is at /bin"));
  config_["mounts"].back()["destination"] = "/bin/busybox";
  config_["mounts"].back()["source"] = bundle();
  EXPECT_TRUE(has(run("true").err, "the source is a directory, and a file is at /bin/busybox"));
  expect_nothing_left();
}

}  // namespace
}  // namespace mete::test
