// SPDX-License-Identifier: Apache-2.0
// What a container of another OCI runtime has, sees and may.
#include "tests/root/foreign/foreign_support.h"

namespace mete::runtime::foreign {
namespace {

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
    if (runtime.name != "crun") {
      EXPECT_FALSE(has(seen.log, group_->path())) << "its cgroup is the root of its namespace: " << seen.log;
    }
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

}  // namespace
}  // namespace mete::runtime::foreign
