// SPDX-License-Identifier: Apache-2.0
// Kills and freezes on the real kernel.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "collectors/sampler.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/kill.h"
#include "runtime/fd.h"
#include "runtime/file.h"
#include "tests/root/cgroup/cgroup_root_support.h"

namespace mete {
namespace {

using collectors::CgroupSampler;
using collectors::Collection;
using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::Group;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using std::chrono::microseconds;
using test::ROOT_Cgroup;
using test::run_in;
using test::sleep_forever;
using test::spin_forever;
using test::wait_for;
using test::within;

// Every process forks on; most of the forks fail at pids.max.
void fork_storm() {
  ::signal(SIGCHLD, SIG_IGN);
  while (true) {
    if (::fork() < 0) ::sched_yield();
  }
}

TEST_F(ROOT_Cgroup, KillAllEndsAForkStorm) {
  std::vector<runtime::cgroup::Hierarchies> machines{hierarchies_};
  if (hierarchies_.mode == runtime::cgroup::Mode::kHybrid) machines.push_back(without_v2());
  for (const auto& machine : machines) {
    const Group group = Group::at(machine, parent().path() + "/storm").value();
    ASSERT_TRUE(group.create());
    Limits limits;
    limits.pids = Limit<std::uint64_t>(200);
    limits.cpu_bandwidth = CpuBandwidth{microseconds(50'000), microseconds(100'000)};
    ASSERT_TRUE(group.apply(limits));
    const pid_t pid = run_in(group, fork_storm);
    EXPECT_TRUE(within(10, [&] { return group.processes().value().size() > 100; }));
    const auto killed = group.kill_all();
    EXPECT_TRUE(killed) << killed.error().what;
    wait_for(pid);
    EXPECT_TRUE(within(10, [&] { return !group.populated().value(); }))
        << to_string(machine.mode) << ": " << group.processes().value().size() << " left";
    EXPECT_TRUE(within(2, [&] { return group.remove().has_value(); }));
  }
}

// What is cloned into the group lives, as if nobody had been killed there.
TEST_F(ROOT_Cgroup, KilledBySignalsAGroupIsAsItWas) {
  const Group group = made("signalled");
  if (group.unified_directory().empty()) GTEST_SKIP() << "no cgroup2";
  Limits limits;
  limits.pids = Limit<std::uint64_t>(200);
  ASSERT_TRUE(group.apply(limits));
  const pid_t storm = run_in(group, fork_storm);
  EXPECT_TRUE(within(10, [&] { return group.processes().value().size() > 100; }));
  const auto killed = runtime::cgroup::kill_by_signals(group);
  EXPECT_TRUE(killed) << killed.error().what;
  wait_for(storm);
  EXPECT_TRUE(within(10, [&] { return !group.populated().value(); })) << group.processes().value().size() << " left";
  EXPECT_FALSE(group.freeze_asked().value()) << "it is not left frozen";
  const runtime::UniqueFd directory(::open(group.unified_directory().c_str(), O_PATH | O_CLOEXEC));
  clone_args args{};
  args.flags = CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(directory.get());
  const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  if (child == 0) ::_exit(7);
  const int status = wait_for(child);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed by signal " << WTERMSIG(status);
  ASSERT_TRUE(group.freeze());
  ASSERT_TRUE(runtime::cgroup::kill_by_signals(group));
  EXPECT_TRUE(group.freeze_asked().value()) << "who had frozen it thaws it";
  test::clear(group);
}

// A throttled process dies only when its next period begins, whichever of the groups has the quota.
TEST_F(ROOT_Cgroup, KillAtOnceDoesNotWaitForThePeriod) {
  Limits limits;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(10'000), microseconds(1'000'000)};
  for (const bool nested : {false, true}) {
    const Group group = made(nested ? "above" : "held");
    const Group held = nested ? group.child("held").value() : group;
    if (nested) {
      ASSERT_TRUE(held.create());
    }
    ASSERT_TRUE(held.apply(limits));
    const pid_t pid = run_in(held, spin_forever);
    const auto throttled = [&] { return runtime::cgroup::cpu_counters(held)->throttled; };
    // Counted when a period has ended: soon after that it is stopped again, for the rest of the next one.
    EXPECT_TRUE(within(10, [&] { return throttled() > 0; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto begin = std::chrono::steady_clock::now();
    const auto killed = runtime::cgroup::kill_at_once(group);
    EXPECT_TRUE(killed) << killed.error().what;
    wait_for(pid);
    const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    EXPECT_LT(late.count(), 500) << (nested ? "below" : "its own");
    EXPECT_TRUE(within(2, [&] { return held.remove().has_value(); }));
  }
}

// The kernel refuses to kill a threaded group, and lists no process of it.
TEST_F(ROOT_Cgroup, KillAllEndsAThreadedGroup) {
  const Group group = made("domain");
  const std::string directory = group.unified_directory() + "/threads";
  if (group.unified_directory().empty()) GTEST_SKIP() << "no cgroup2";
  ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
  const auto write = [](const std::string& file, const std::string& text) {
    return runtime::write_control(AT_FDCWD, file, text);
  };
  const auto made_threaded = write(directory + "/cgroup.type", "threaded");
  ASSERT_TRUE(made_threaded) << made_threaded.error().what;
  const Group threads = group.child("threads").value();
  for (int each = 0; each < 2; ++each) {
    const pid_t pid = run_in(group, sleep_forever);
    const auto moved = write(directory + "/cgroup.procs", std::to_string(pid));
    EXPECT_TRUE(moved) << moved.error().what;
    ASSERT_TRUE(each == 0 ? threads.kill_all() : group.kill_all());
    EXPECT_TRUE(within(2, [pid] { return ::waitpid(pid, nullptr, WNOHANG) == pid; })) << each;
    (void)::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
  }
  EXPECT_TRUE(within(2, [&] { return ::rmdir(directory.c_str()) == 0; }));
}

TEST_F(ROOT_Cgroup, FrozenStandsStillAndCanBeKilled) {
  std::vector<runtime::cgroup::Hierarchies> machines{hierarchies_};
  if (hierarchies_.mode == runtime::cgroup::Mode::kHybrid) machines.push_back(without_v2());
  for (const auto& machine : machines) {
    const Group group = Group::at(machine, parent().path() + "/frozen").value();
    ASSERT_TRUE(group.create());
    const pid_t pid = run_in(group, spin_forever);
    ASSERT_TRUE(group.freeze());
    EXPECT_TRUE(within(2, [&] { return group.frozen().value(); })) << to_string(machine.mode);
    Collection collection(machine, {});
    auto sampler = CgroupSampler::open(collection, group).value();
    sampler.read();
    const auto before = sampler.sample().cpu.usage;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    sampler.read();
    EXPECT_EQ(sampler.sample().cpu.usage, before);
    ASSERT_TRUE(group.thaw());
    EXPECT_TRUE(within(2, [&] { return !group.frozen().value(); }));
    ASSERT_TRUE(group.freeze());
    ASSERT_TRUE(group.kill_all());
    EXPECT_TRUE(WIFSIGNALED(wait_for(pid))) << "a frozen group dies too";
    test::clear(group);
  }
}

}  // namespace
}  // namespace mete
