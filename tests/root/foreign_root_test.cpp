// SPDX-License-Identifier: Apache-2.0
// mete-shim with containers that another OCI runtime makes: Debian's runc, and mete-oci as one of them.
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
#include "runtime/process/cgroup_entry.h"
#include "runtime/process/defaults.h"
#include "runtime/process/plan.h"
#include "runtime/process/seccomp.h"
#include "runtime/process/wire.h"
#include "runtime/shim/attempt_files.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_group.h"

namespace mete::runtime::foreign {
namespace {

using process::NamespaceKind;

constexpr const char* kBusybox = "/bin/busybox";
constexpr auto kPatience = std::chrono::seconds(60);

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

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ForeignRootTest, AContainerIsMadeLoggedAndEnded) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    const auto seen =
        run(spec("echo pid $$; hostname; id -u; echo [$A]; cat /part/file /one-file; ls /made; touch /made/x /new; "
                 "touch /one-file 2>&1; ls -d /v/a; cat /proc/self/cgroup; echo err >&2; exit 7"),
            runtime);
    for (const char* line : {"pid 1", "inside", "[b c]", "part", "/v/a", "Read-only file system", "err"})
      EXPECT_TRUE(has(seen.log, line)) << line << ": " << seen.log;
    EXPECT_TRUE(seen.has_exit);
    EXPECT_EQ(seen.exit.code, 7) << seen.exit.start_error;
    EXPECT_TRUE(has(seen.log, "stderr F err"));
    EXPECT_TRUE(std::filesystem::exists(dir_ / "volume/new/one/x"));
    EXPECT_TRUE(std::filesystem::exists(attempt() + "/upper/new"));
    // In the view that crun is shown there is no cgroup2, into which the shim puts the container later.
    if (runtime.name != "crun")
      EXPECT_FALSE(has(seen.log, group_->path())) << "its cgroup is the root of its namespace: " << seen.log;
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ItHasTheRightsOfThePlan) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    auto launch = spec(
        "grep -E 'Cap|NoNew|Seccomp:' /proc/self/status; id; cat /proc/self/oom_score_adj; touch /x 2>&1; unshare -U "
        "true 2>&1; "
        "cat /proc/kcore 2>&1 | head -c 1 | grep -c .; mknod /dev/x c 1 3 2>&1; echo 1 2>&1 > "
        "/proc/sys/vm/drop_caches; exit 0");
    launch.identity.uid = 1000;
    launch.identity.gid = 7;
    launch.identity.additional_gids = {7, 9};
    launch.identity.no_new_privileges = true;
    launch.identity.capabilities.effective = launch.identity.capabilities.permitted = 0;
    launch.oom_score_adj = 321;
    launch.read_only_root = true;
    launch.identity.rlimits = {{7, 100, 200}};
    const auto bounding = launch.identity.capabilities.bounding;
    launch.identity.seccomp_filter = process::default_seccomp_filter(bounding).value_or("");
    auto asked = request(runtime);
    asked.seccomp = process::default_seccomp_profile(bounding);
    prepare(launch, asked);
    const auto seen = finish(begin_shim());
    EXPECT_EQ(seen.exit.start_error, "");
    for (const char* line : {"CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "uid=1000 gid=7 groups=7,9",
                             "F 321", "Read-only file system", "unshare: "})
      EXPECT_TRUE(has(seen.log, line)) << line << ": " << seen.log;
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ANetworkOfADescriptorIsJoined) {
  const pid_t holder = ::fork();
  if (holder == 0) {
    if (::unshare(CLONE_NEWNET) == 0) ::pause();
    ::_exit(1);
  }
  const std::string path = "/proc/" + std::to_string(holder) + "/ns/net";
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/ns/net");
  ASSERT_TRUE(wait_for([&] { return std::filesystem::read_symlink(path, error) != own; }));
  const std::string name = std::filesystem::read_symlink(path);
  constexpr int kFree = 20;  // none of those that the shim gets
  const UniqueFd network(::fcntl(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).get(), F_DUPFD_CLOEXEC, kFree));
  ASSERT_TRUE(network.valid());
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    auto launch = spec("readlink /proc/self/ns/net");
    for (auto& use : launch.namespaces) {
      if (use.kind == NamespaceKind::network) use.path = "/proc/self/fd/6";
    }
    // As the agent has it: what is in the network's own.
    launch.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "0"}};
    prepare(launch, request(runtime));
    const auto seen = finish(begin_shim(network.get()));
    EXPECT_EQ(seen.exit.start_error, "");
    EXPECT_TRUE(has(seen.log, name)) << name << ": " << seen.log;
    expect_clean();
  }
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
}

TEST_F(ForeignRootTest, OutOfMemoryAndSignalsEndIt) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    const auto seen = run(spec("exec dd if=/dev/zero of=/dev/null bs=200M count=1"), runtime);
    EXPECT_EQ(seen.exit.code, 137);
    EXPECT_EQ(seen.exit.start_error, "");
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ACommandThatCannotRunIsToldAsDockerTellsIt) {
  for (const auto& runtime : runtimes()) {
    for (const auto& [command, code] :
         {std::pair("/no/such", 127), std::pair("nowhere", 127), std::pair("/v/a/file", 126)}) {
      SCOPED_TRACE(runtime.name + " " + command);
      auto launch = spec("");
      launch.args = {command};
      const auto seen = run(launch, runtime);
      EXPECT_EQ(seen.exit.code, code) << seen.exit.start_error;
      EXPECT_EQ(seen.exit.start_error.rfind("runtime " + runtime.name + ", ", 0), 0U) << seen.exit.start_error;
      EXPECT_TRUE(has(seen.exit.start_error, command)) << seen.exit.start_error;
      expect_clean(false);
    }
  }
}

TEST_F(ForeignRootTest, ASubPathThatLeavesItsVolumeStaysInIt) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    auto launch = spec("ls /escaped");
    launch.mounts.push_back(
        {.destination = "/escaped", .type = "bind", .source = dir_ / "volume", .sub_path = "out", .recursive = true});
    const auto seen = run(launch, runtime);
    EXPECT_FALSE(has(seen.log, "passwd")) << seen.log;
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ATerminalIsHandedOver) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    auto launch = spec("tty; test -t 0 && test -t 2 && echo all; ls -l /dev/console");
    launch.terminal.emplace();
    const auto seen = run(launch, runtime);
    EXPECT_EQ(seen.exit.start_error, "");
    EXPECT_TRUE(has(seen.log, "/dev/pts/0") && has(seen.log, "all") && has(seen.log, "/dev/console")) << seen.log;
    EXPECT_FALSE(std::filesystem::exists(attempt() + "/console"));
    expect_clean();
  }
}

TEST_F(ForeignRootTest, AKilledShimLeavesNothingButTheGroup) {
  for (const auto& runtime : runtimes()) {
    SCOPED_TRACE(runtime.name);
    for (const int milliseconds : {0, 20, 60, 150, 1000}) {
      prepare(spec("exec sleep 1000"), request(runtime));
      const pid_t shim = begin_shim();
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      ::kill(shim, SIGKILL);
      ::waitpid(shim, nullptr, 0);
      // What the agent does then.
      EXPECT_TRUE(wait_for([&] {
        (void)group_->kill_all();
        const auto populated = group_->populated();
        return populated && !*populated;
      }));
      // The runtime's program ends with the shim.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const auto populated = group_->populated();
      EXPECT_TRUE(populated && !*populated) << milliseconds;
      ASSERT_TRUE(remove_tree(attempt()));
    }
  }
}

// A runtime of a few lines: `$call`, `$pid_file` and `$log` are what it was called with.
Runtime scripted(const std::string& path, const std::string& text) {
  std::ofstream(path)
      << "#!/bin/sh\nwhile [ $# -gt 0 ]; do case $1 in --root|--log-format|--bundle) shift;; --log) log=$2; "
         "shift;; --pid-file) pid_file=$2; shift;; create|start|delete) call=$1;; esac; shift; done\n"
      << "echo $call >> " << path << ".calls\n"
      << text << "\n";
  ::chmod(path.c_str(), 0755);
  return {"scripted", path, {}};
}

TEST_F(ForeignRootTest, ARuntimeThatFailsIsToldAndCleanedUpAfter) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"echo '{\"level\":\"error\",\"msg\":\"the moon is full\"}' > $log; exit 1", "create: the moon is full"},
      {"exit 3", "it ended with exit code 3 and said nothing"},
      {"kill -9 $$", "it ended with signal 9"},
      {"test $call != create || echo 1 > $pid_file", "found \"1\" in "},
      {"test $call != create || echo x > $pid_file", "found \"x\" in "},
      {"exit 0", "runtime.pid"},
      {"if [ $call = create ]; then sleep 1000 & echo $! > $pid_file; exit 0; fi; test $call = delete",
       "start: it ended with exit code 1"}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.text);
    const std::string path = dir_ / "runtime";
    const auto seen = run(spec("true"), scripted(path, each.text));
    EXPECT_EQ(seen.exit.code, 128);
    EXPECT_TRUE(has(seen.exit.start_error, each.error)) << seen.exit.start_error;
    const std::string calls = read_file(AT_FDCWD, path + ".calls").value_or("");
    EXPECT_TRUE(calls.ends_with("delete\n")) << calls;
    expect_clean();
  }
}

TEST_F(ForeignRootTest, ARuntimeThatHangsIsGivenUp) {
  const auto began = std::chrono::steady_clock::now();
  const auto seen = run(spec("true"), scripted(dir_ / "runtime", "test $call != create || sleep 1000"));
  EXPECT_TRUE(has(seen.exit.start_error, "found that it does not end")) << seen.exit.start_error;
  EXPECT_LT(std::chrono::steady_clock::now() - began, kPatience);
  expect_clean();
}

}  // namespace
}  // namespace mete::runtime::foreign
