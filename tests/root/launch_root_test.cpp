// SPDX-License-Identifier: Apache-2.0
// Real namespaces, mounts and identities: what a process launched from a LaunchSpec sees of itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>

#include "runtime/cgroup/cgroup.h"
#include "runtime/file.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/launch/launcher.h"
#include "runtime/process/plan/plan.h"
#include "tests/support/temp_dir.h"

namespace mete::runtime::process {
namespace {

constexpr const char* kBusybox = "/bin/busybox";

struct Outcome {
  int status = 0;
  std::string output;
  std::string error;  // of the launch
};

class LaunchRootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes namespaces and mounts";
    if (!std::filesystem::exists(kBusybox)) GTEST_SKIP() << "needs Debian's busybox-static";
    const std::string bin = layer() + "/bin";
    ASSERT_TRUE(make_directories(bin));
    std::filesystem::copy_file(kBusybox, bin + "/busybox");
    for (const char* name : {"sh", "cat", "id", "ls", "mount", "hostname", "grep", "sleep", "ps", "touch", "stat",
                             "readlink", "kill", "ip"}) {
      std::filesystem::create_symlink("busybox", bin + "/" + name);
    }
    for (const char* name : {"root", "upper", "work"}) ASSERT_TRUE(make_directories(dir_ / name));
    spec_.rootfs = dir_ / "root";
    spec_.overlay = OverlayRoot{dir_.path(), {"layer"}, "upper", "work"};
    for (const auto kind : {NamespaceKind::mount, NamespaceKind::pid, NamespaceKind::network, NamespaceKind::ipc,
                            NamespaceKind::uts, NamespaceKind::cgroup}) {
      spec_.namespaces.push_back({kind, ""});
    }
    spec_.hostname = "inside";
    spec_.mounts = {{.destination = "/proc", .type = "proc", .source = "proc"},
                    {.destination = "/dev", .type = "tmpfs", .source = "tmpfs", .data = "mode=755,size=65536k"}};
    spec_.devices = {{"/dev/null", S_IFCHR | 0666, makedev(1, 3), 0, 0}};
    spec_.env = {"PATH=/bin"};
  }

  std::string layer() const { return dir_ / "layer"; }

  Outcome run(std::vector<std::string> args) {
    spec_.args = std::move(args);
    Outcome outcome;
    const auto plan = make_plan(spec_);
    if (!plan) {
      outcome.error = plan.error().what;
      return outcome;
    }
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto launched = launch(*plan, {null.get(), write_end.get(), write_end.get(), -1});
    write_end.reset();
    if (!launched) {
      outcome.error = launched.error().what;
      return outcome;
    }
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
      outcome.output.append(buffer, static_cast<std::size_t>(got));
    ::waitpid(launched->pid, &outcome.status, 0);
    return outcome;
  }
  Outcome shell(const std::string& script) { return run({"sh", "-c", script}); }

  testing::TempDir dir_;
  LaunchSpec spec_;
};

TEST_F(LaunchRootTest, SeesItsOwnNamespacesAndRoot) {
  const auto seen = shell("echo $$; hostname; ls /; cat /proc/1/comm; exit 0");
  EXPECT_EQ(seen.error, "");
  EXPECT_EQ(seen.output, "1\ninside\nbin\ndev\nproc\nsh\n");
}

TEST_F(LaunchRootTest, LoopbackIsUpAndNothingElseIsThere) {
  const auto seen = shell("ip -o link");
  EXPECT_NE(seen.output.find("LOOPBACK,UP"), std::string::npos) << seen.output << seen.error;
  EXPECT_EQ(seen.output.find("\n2:"), std::string::npos) << seen.output;
}

TEST_F(LaunchRootTest, WritesGoToTheUpperLayerOnly) {
  EXPECT_EQ(shell("touch /new").error, "");
  EXPECT_TRUE(std::filesystem::exists(dir_ / "upper/new"));
  EXPECT_FALSE(std::filesystem::exists(layer() + "/new"));
}

TEST_F(LaunchRootTest, AReadOnlyRootRefusesWrites) {
  spec_.read_only_root = true;
  EXPECT_NE(shell("touch /new").status, 0);
  EXPECT_EQ(shell("echo x > /dev/null").status, 0);
}

TEST_F(LaunchRootTest, HasTheUserGroupsAndCapabilitiesAskedFor) {
  spec_.identity.uid = 1234;
  spec_.identity.gid = 2345;
  spec_.identity.additional_gids = {7, 9};
  spec_.identity.no_new_privileges = true;
  spec_.identity.rlimits = {{RLIMIT_NOFILE, 100, 200}};
  spec_.identity.capabilities.bounding = 1U << 10U;
  const auto seen =
      shell("id -u; id -G; grep -E 'CapBnd|CapEff|NoNewPrivs' /proc/self/status; grep 'open files' /proc/self/limits");
  EXPECT_EQ(seen.error, "");
  EXPECT_NE(seen.output.find("1234\n2345 7 9\n"), std::string::npos) << seen.output;
  EXPECT_NE(seen.output.find("CapEff:\t0000000000000000"), std::string::npos) << seen.output;
  EXPECT_NE(seen.output.find("CapBnd:\t0000000000000400"), std::string::npos) << seen.output;
  EXPECT_NE(seen.output.find("NoNewPrivs:\t1"), std::string::npos) << seen.output;
  EXPECT_NE(seen.output.find("100                  200"), std::string::npos) << seen.output;
}

TEST_F(LaunchRootTest, MaskedAndReadOnlyPathsHold) {
  spec_.masked_paths = {"/proc/kcore", "/proc/acpi", "/proc/not-there"};
  spec_.read_only_paths = {"/proc/sys"};
  const auto seen =
      shell("cat /proc/kcore | head -c 1; ls /proc/acpi; echo 1 > /proc/sys/kernel/shmmni || echo refused");
  EXPECT_EQ(seen.error, "");
  EXPECT_NE(seen.output.find("refused"), std::string::npos) << seen.output;
}

TEST_F(LaunchRootTest, BindsFilesDirectoriesAndSubPaths) {
  ASSERT_TRUE(make_directories(dir_ / "volume/deep"));
  ASSERT_TRUE(replace_file(dir_ / "volume/deep/file", "content", 0644));
  spec_.mounts.push_back({.destination = "/data/whole",
                          .type = "bind",
                          .source = dir_ / "volume",
                          .attributes = MOUNT_ATTR_RDONLY,
                          .recursive = true});
  spec_.mounts.push_back(
      {.destination = "/etc/one", .type = "bind", .source = dir_ / "volume", .sub_path = "deep/file"});
  spec_.mounts.push_back({.destination = "/made", .type = "bind", .source = dir_ / "volume", .sub_path = "not/yet"});
  const auto seen =
      shell("cat /data/whole/deep/file /etc/one; touch /data/whole/x || echo ro; touch /made/x && echo rw");
  EXPECT_EQ(seen.error, "");
  EXPECT_NE(seen.output.find("contentcontent"), std::string::npos) << seen.output;
  EXPECT_NE(seen.output.find("ro\n"), std::string::npos) << seen.output;
  EXPECT_TRUE(std::filesystem::exists(dir_ / "volume/not/yet/x"));
}

TEST_F(LaunchRootTest, LinksInTheImageDoNotLeadOut) {
  ASSERT_TRUE(make_directories(dir_ / "host"));
  std::filesystem::create_directory_symlink(dir_ / "host", layer() + "/escape");
  spec_.mounts.push_back({.destination = "/escape/in", .type = "tmpfs", .source = "tmpfs"});
  spec_.devices.push_back({"/escape/../../../../../../null", S_IFCHR | 0666, makedev(1, 3), 0, 0});
  const auto seen = shell("ls /");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ / "host")) << seen.error << seen.output;
  EXPECT_FALSE(std::filesystem::exists("/null"));
}

TEST_F(LaunchRootTest, ASubPathLinkOutOfItsVolumeStaysInside) {
  ASSERT_TRUE(make_directories(dir_ / "volume"));
  ASSERT_TRUE(replace_file(dir_ / "secret", "host", 0644));
  std::filesystem::create_symlink("../secret", dir_ / "volume/link");
  spec_.mounts.push_back({.destination = "/etc/link", .type = "bind", .source = dir_ / "volume", .sub_path = "link"});
  const auto seen = shell("cat /etc/link");
  EXPECT_EQ(seen.output.find("host"), std::string::npos) << seen.output;
}

TEST_F(LaunchRootTest, NoHostDescriptorIsInherited) {
  const UniqueFd leaked(::open("/", O_RDONLY));  // deliberately without O_CLOEXEC
  const auto seen = shell("ls /proc/self/fd");
  EXPECT_EQ(seen.output, "0\n1\n2\n3\n") << "3 is ls's own";
}

TEST_F(LaunchRootTest, ACommandThatIsNotThereOrCannotBeRunSaysSo) {
  EXPECT_EQ(run({"nope"}).error, "exec \"nope\": executable file not found in $PATH of the container");
  ASSERT_TRUE(replace_file(layer() + "/bin/plain", "text", 0644));
  EXPECT_EQ(run({"/bin/plain"}).error, "exec \"/bin/plain\": not executable: permission denied");
}

TEST_F(LaunchRootTest, AFailedMountNamesItself) {
  spec_.mounts.push_back({.destination = "/x", .type = "nosuchfs", .source = "none"});
  const auto seen = shell("true");
  EXPECT_NE(seen.error.find("mount nosuchfs on /x"), std::string::npos) << seen.error;
  EXPECT_NE(seen.error.find("No such device"), std::string::npos) << seen.error;
}

TEST_F(LaunchRootTest, InitReapsAndPassesTheExitCodeOn) {
  spec_.init = true;
  const auto seen = shell(
      "sh -c 'sleep 0.05 &' ; sleep 0.2; cat /proc/[0-9]*/status | grep -c '(zombie)'; cat /proc/1/comm; readlink "
      "/proc/1/exe || echo hidden; exit 7");
  EXPECT_EQ(seen.output, "0\nmete-init\nhidden\n") << seen.error;
  EXPECT_EQ(WEXITSTATUS(seen.status), 7);
}

TEST_F(LaunchRootTest, ASandboxHoldsNamespacesThatOthersJoin) {
  LaunchSpec pod;
  for (const auto kind : {NamespaceKind::network, NamespaceKind::ipc, NamespaceKind::uts, NamespaceKind::pid})
    pod.namespaces.push_back({kind, ""});
  pod.hostname = "pod";
  const auto sandbox = launch(*make_sandbox_plan(pod), {});
  ASSERT_TRUE(sandbox) << sandbox.error().what;
  const std::string ns = "/proc/" + std::to_string(sandbox->pid) + "/ns/";
  spec_.namespaces = {{NamespaceKind::mount, ""},
                      {NamespaceKind::pid, ns + "pid"},
                      {NamespaceKind::network, ns + "net"},
                      {NamespaceKind::ipc, ns + "ipc"},
                      {NamespaceKind::uts, ns + "uts"}};
  const auto seen = shell("hostname; cat /proc/1/comm; [ $$ != 1 ] && echo second");
  EXPECT_EQ(seen.error, "");
  EXPECT_EQ(seen.output, "pod\nmete-pause\nsecond\n");
  ::kill(sandbox->pid, SIGKILL);
  ::waitpid(sandbox->pid, nullptr, 0);
}

TEST_F(LaunchRootTest, StartsAgainInACgroupThatWasKilled) {
  const auto hierarchies = cgroup::find_hierarchies();
  if (!hierarchies) GTEST_SKIP() << hierarchies.error().what;
  const auto group = cgroup::Group::at(*hierarchies, "/mete-launch-test-" + std::to_string(::getpid()));
  ASSERT_TRUE(group);
  ASSERT_TRUE(group->create());
  spec_.cgroup = join_of(*group);
  for (int round = 0; round < 3; ++round) {
    const auto seen = shell("echo alive; cat /proc/self/cgroup | grep -v systemd | grep -vc ':/$'");
    EXPECT_EQ(seen.output, "alive\n0\n") << round << ": " << seen.error;
    EXPECT_TRUE(group->kill_all());
  }
  for (int tries = 0; tries < 200 && !group->remove(); ++tries) ::usleep(5000);
  EXPECT_FALSE(group->exists());
}

TEST_F(LaunchRootTest, AUserNamespaceMapsRoot) {
  spec_.namespaces.push_back({NamespaceKind::user, ""});
  spec_.uid_mappings = {{0, 100000, 65536}};
  spec_.gid_mappings = {{0, 100000, 65536}};
  for (const char* name : {"root", "upper", "work", "layer"}) {
    ASSERT_EQ(::chown((dir_ / name).c_str(), 100000, 100000), 0);
  }
  ::chmod(dir_.path().c_str(), 0755);
  const auto seen = shell("id -u; cat /proc/self/uid_map; stat -c %u /dev");
  EXPECT_EQ(seen.error, "");
  EXPECT_NE(seen.output.find("100000"), std::string::npos) << seen.output;
  EXPECT_EQ(seen.output.substr(0, 2), "0\n");
}

TEST_F(LaunchRootTest, ATimeNamespaceShiftsTheBootClock) {
  spec_.namespaces.push_back({NamespaceKind::time, ""});
  spec_.boottime_offset = TimeOffset{1'000'000, 0};
  // In a process of its own: the launcher stays in the new namespace for its later children.
  const pid_t other = ::fork();
  if (other == 0) {
    const auto seen = shell("cat /proc/uptime");
    ::_exit(std::strtod(seen.output.c_str(), nullptr) > 1'000'000 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(other, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace mete::runtime::process
