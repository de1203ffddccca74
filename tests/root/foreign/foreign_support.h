// SPDX-License-Identifier: Apache-2.0
// mete-shim with containers that another OCI runtime makes: a group with limits, a root file system of busybox, a
// volume, and the runtimes that are installed: mete-oci as one of them, Debian's runc and crun.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/cgroup/devices/devices.h"
#include "runtime/file.h"
#include "runtime/foreign/foreign_start.h"
#include "runtime/foreign/runtime_program.h"
#include "runtime/process/capabilities.h"
#include "runtime/process/launch/cgroup_entry.h"
#include "runtime/process/plan/defaults.h"
#include "runtime/process/plan/plan.h"
#include "runtime/process/plan/wire.h"
#include "runtime/process/seccomp.h"
#include "runtime/shim/attempt_files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_group.h"

namespace mete::runtime::foreign {

using process::NamespaceKind;

inline constexpr const char* kBusybox = "/bin/busybox";
inline constexpr auto kPatience = std::chrono::seconds(60);

template <class Condition>
bool wait_for(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

struct Seen {
  std::string log;
  shim::ExitStatus exit;
  bool has_exit = false;
};

class ForeignRootTest : public test::RootCgroupTest {
 protected:
  void SetUp() override {
    RootCgroupTest::SetUp();
    if (IsSkipped()) return;
    if (!std::filesystem::exists(kBusybox)) GTEST_SKIP() << "needs Debian's busybox-static";
    ASSERT_TRUE(make_directories(dir_ / "layer/bin"));
    std::filesystem::copy_file(kBusybox, dir_ / "layer/bin/busybox");
    for (const char* name : {"sh", "cat", "id", "ls", "touch", "grep", "sleep", "test", "dd", "mknod", "tty",
                             "hostname", "unshare", "readlink", "head"})
      std::filesystem::create_symlink("busybox", dir_ / "layer/bin" + "/" + name);
    ASSERT_TRUE(make_directories(dir_ / "volume/a"));
    std::ofstream(dir_ / "volume/a/file") << "part\n";
    std::filesystem::create_symlink("/etc", dir_ / "volume/out");
    make_group();
    devices_ = device_list();
  }

  void make_group() {
    group_ = made("c");
    cgroup::Limits limits;
    limits.memory = cgroup::Limit<Bytes>(Bytes(64 << 20));
    limits.pids = cgroup::Limit<std::uint64_t>(50);
    ASSERT_TRUE(group_->apply(limits));
    ASSERT_TRUE(cgroup::apply_device_rules(*group_, {}));
  }

  std::string attempt() const { return dir_ / "attempt"; }
  shim::AttemptFiles files() const { return shim::AttemptFiles(attempt()); }
  std::string device_list() const {
    return hierarchies_.on_v1("devices") ? group_->read("devices", "devices.list").value_or("") : "";
  }

  process::LaunchSpec spec(const std::string& script) {
    process::LaunchSpec spec;
    for (const auto kind : {NamespaceKind::mount, NamespaceKind::pid, NamespaceKind::network, NamespaceKind::ipc,
                            NamespaceKind::uts, NamespaceKind::cgroup})
      spec.namespaces.push_back({kind, ""});
    spec.hostname = "inside";
    spec.rootfs = attempt() + "/root";
    spec.overlay = process::OverlayRoot{dir_.path(), {"layer"}, attempt() + "/upper", attempt() + "/work", {}};
    spec.mounts = process::default_mounts(true);
    spec.mounts.push_back({.destination = "/v", .type = "bind", .source = dir_ / "volume", .recursive = true});
    spec.mounts.push_back(
        {.destination = "/part", .type = "bind", .source = dir_ / "volume", .sub_path = "a", .recursive = true});
    spec.mounts.push_back(
        {.destination = "/made", .type = "bind", .source = dir_ / "volume", .sub_path = "new/one", .recursive = true});
    spec.mounts.push_back(
        {.destination = "/one-file", .type = "bind", .source = dir_ / "volume", .sub_path = "a/file", .attributes = 1});
    spec.cgroup_mounts = process::cgroup_mounts(process::view_of(hierarchies_));
    spec.devices = process::default_devices();
    spec.masked_paths = process::default_masked_paths();
    spec.read_only_paths = process::default_read_only_paths();
    spec.env = {"PATH=/bin", "A=b c"};
    spec.args = {"sh", "-c", script};
    const std::uint64_t held = process::own_bounding_set().value_or(0);
    auto& sets = spec.identity.capabilities;
    sets.bounding = sets.effective = sets.permitted = process::default_capabilities() & held;
    spec.cgroup = process::join_of(*group_);
    return spec;
  }

  Request request(const Runtime& runtime) const {
    Request request;
    request.runtime = runtime;
    request.attempt = attempt();
    request.id = "mete-test-" + std::to_string(::getpid());
    request.cgroup = group_->path();
    request.hierarchies = hierarchies_.v1_process_mounts();
    if (!hierarchies_.v2_mount.empty()) request.hierarchies.push_back(hierarchies_.v2_mount);
    request.device_rules = cgroup::all_device_rules({}, {});
    request.capabilities = process::own_bounding_set().value_or(0);
    return request;
  }

  void prepare(const process::LaunchSpec& launch, const Request& request) {
    ASSERT_TRUE(remove_tree(attempt()));
    for (const char* name : {"/root", "/upper", "/work", "/bundle"}) ASSERT_TRUE(make_directories(attempt() + name));
    const auto start = make_start(launch, request);
    ASSERT_TRUE(start) << start.error().what;
    const auto plan = process::make_plan(launch);
    ASSERT_TRUE(plan) << plan.error().what;
    ASSERT_TRUE(replace_file(attempt() + "/bundle/config.json", start->config));
    ASSERT_TRUE(replace_file(files().foreign_plans(), process::encode(start->plans)));
    ASSERT_TRUE(replace_file(files().plan(), process::encode(*plan)));
  }

  // `network`: a descriptor that the shim gets as number 6; -1: none.
  pid_t begin_shim(int network = -1) {
    auto lock = files().try_lock();
    EXPECT_TRUE(lock && lock->valid());
    const pid_t pid = ::fork();
    if (pid == 0) {
      constexpr int kNetwork = 6;
      constexpr int kLock = 9;
      ::dup2(lock->get(), kLock);
      if (network >= 0) ::dup2(network, kNetwork);
      const std::string fd = std::to_string(kLock);
      const std::string log = attempt() + "/log";
      ::execl(METE_BIN_DIR "/mete-shim", "mete-shim", "run", "--dir", attempt().c_str(), "--lock-fd", fd.c_str(),
              "--log", log.c_str(), nullptr);
      ::_exit(99);
    }
    return pid;
  }

  Seen finish(pid_t shim) {
    int status = 0;
    bool ended = wait_for([&] { return ::waitpid(shim, &status, WNOHANG) == shim; });
    EXPECT_TRUE(ended) << "the shim goes on";
    if (!ended) ::kill(shim, SIGKILL);
    Seen seen;
    seen.log = read_file(AT_FDCWD, attempt() + "/log").value_or("");
    if (const auto exit = files().exit(); exit && *exit) {
      seen.exit = **exit;
      seen.has_exit = true;
    }
    return seen;
  }

  Seen run(const process::LaunchSpec& launch, const Runtime& runtime) {
    prepare(launch, request(runtime));
    if (HasFatalFailure()) return {};
    return finish(begin_shim());
  }

  // What is true after each container, however it ended. `started`: else runc and crun have removed the group
  // or a part of it, and the agent makes it anew.
  void expect_clean(bool started = true) {
    if (!started) {
      EXPECT_TRUE(group_->remove());
      make_group();
    }
    EXPECT_TRUE(group_->exists()) << "the runtime has removed mete's cgroup";
    const auto populated = group_->populated();
    EXPECT_TRUE(populated && !*populated);
    EXPECT_EQ(device_list(), devices_);
    if (hierarchies_.on_v1("memory")) {
      EXPECT_EQ(group_->read("memory", "memory.limit_in_bytes").value_or(""), "67108864\n");
      EXPECT_EQ(group_->read("pids", "pids.max").value_or(""), "50\n");
    }
    std::error_code ignored;
    const std::string state = attempt() + "/runtime";
    EXPECT_TRUE(!std::filesystem::exists(state) || std::filesystem::is_empty(state, ignored)) << state;
    const auto mounts = read_file(AT_FDCWD, "/proc/self/mountinfo");
    EXPECT_EQ(mounts->find(dir_.path()), std::string::npos) << "a mount is left";
  }

  std::vector<Runtime> runtimes() const {
    std::vector<Runtime> all = {{"own", METE_BIN_DIR "/mete-oci", {}}};
    if (auto runc = find_runtime("runc", {})) all.push_back(*runc);
    // crun 1.8 refuses a machine that has controllers of both versions: it is shown one where v2 has none.
    if (find_runtime("crun", {})) {
      const std::string path = dir_ / "crun";
      std::ofstream(path)
          << "#!/bin/sh\nexec unshare -m --propagation slave sh -c 'test -e /sys/fs/cgroup/unified && mount "
             "-t tmpfs tmpfs /sys/fs/cgroup/unified; exec crun \"$@\"' crun \"$@\"\n";
      ::chmod(path.c_str(), 0755);
      all.push_back({"crun", path, {}});
    }
    return all;
  }

  mete::testing::TempDir dir_;
  std::optional<cgroup::Group> group_;
  std::string devices_;
};

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace mete::runtime::foreign
