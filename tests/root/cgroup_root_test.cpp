// SPDX-License-Identifier: Apache-2.0
// The real kernel: what fixture trees cannot show.
#include <signal.h>
#include <sys/mman.h>

#include "collectors/rates.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/file.h"
#include "tests/support/test_group.h"

namespace mete {
namespace {

using collectors::CgroupSampler;
using collectors::Collection;
using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::Group;
using runtime::cgroup::is_busy;
using runtime::cgroup::is_gone;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using std::chrono::microseconds;
using test::run_in;
using test::wait_for;
using test::within;

class ROOT_Cgroup : public test::RootCgroupTest {
 protected:
  // The same machine as if cgroup2 were not mounted, for what only v1 does.
  [[nodiscard]] runtime::cgroup::Hierarchies without_v2() const {
    auto v1 = hierarchies_;
    v1.mode = runtime::cgroup::Mode::kV1;
    v1.v2_mount.clear();
    v1.v2_controllers.clear();
    return v1;
  }
};

void sleep_forever() {
  while (true) ::pause();
}

void spin_forever() {
  volatile unsigned turn = 0;
  while (true) turn = turn + 1;
}

void touch(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (std::size_t at = 0; at < bytes; at += 4096) static_cast<volatile char*>(memory)[at] = 1;
}

// Every process forks on; most of the forks fail at pids.max.
void fork_storm() {
  ::signal(SIGCHLD, SIG_IGN);
  while (true) {
    if (::fork() < 0) ::sched_yield();
  }
}

TEST_F(ROOT_Cgroup, IsMadeFoundAndRemovedInAllHierarchies) {
  const Group group = parent().child("a").value().child("b").value();
  EXPECT_FALSE(group.exists());
  EXPECT_TRUE(is_gone(group.id().error()));
  ASSERT_TRUE(group.create());
  ASSERT_TRUE(group.create()) << "making it twice is fine";
  for (const std::string& file : group.procs_files()) EXPECT_EQ(::access(file.c_str(), W_OK), 0) << file;
  const auto first = group.id().value();
  ASSERT_TRUE(group.remove());
  ASSERT_TRUE(group.remove()) << "a missing one is fine";
  for (const std::string& file : group.procs_files()) EXPECT_NE(::access(file.c_str(), F_OK), 0) << file;
  ASSERT_TRUE(group.create());
  EXPECT_NE(group.id().value(), first) << "the same path, another cgroup";
}

TEST_F(ROOT_Cgroup, RemoveTakesNestedGroupsAndReportsProcesses) {
  const Group group = made("outer");
  for (const char* const name : {"x", "y"}) {
    ASSERT_TRUE(group.child(name).value().create());
    ASSERT_TRUE(group.child(name).value().child("deep").value().create());
  }
  const Group inner = group.child("x").value().child("deep").value();
  const pid_t pid = run_in(inner, sleep_forever);
  EXPECT_EQ(group.processes().value(), std::vector<pid_t>{pid});
  EXPECT_TRUE(group.processes(false).value().empty());
  EXPECT_TRUE(group.populated().value());
  const auto refused = group.remove();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_busy(refused.error())) << refused.error().what;
  ASSERT_TRUE(group.kill_all());
  EXPECT_TRUE(WIFSIGNALED(wait_for(pid)));
  EXPECT_TRUE(within(2, [&] { return group.remove().has_value(); }));
  EXPECT_FALSE(group.exists());
}

Limits some_limits() {
  Limits limits;
  limits.cpu_shares = 512;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(50'000), microseconds(100'000)};
  limits.cpu_burst = microseconds(20'000);
  limits.memory = Limit<Bytes>(Bytes(104'960'001));  // not whole pages: the kernel rounds
  limits.swap = Limit<Bytes>(Bytes(0));
  limits.pids = Limit<std::uint64_t>(77);
  limits.cpuset_cpus = "0";
  return limits;
}

TEST_F(ROOT_Cgroup, LimitsAreWrittenVerifiedAndDriftIsFound) {
  const Group group = made("limits");
  const auto written = group.apply(some_limits());
  ASSERT_TRUE(written) << written.error().what;
  EXPECT_GE(written->size(), 6U);
  auto drift = group.verify(some_limits());
  ASSERT_TRUE(drift) << drift.error().what;
  for (const auto& d : *drift) ADD_FAILURE() << d.file << ": " << d.expected << " is " << d.found;
  ASSERT_TRUE(group.write("pids", "pids.max", "max"));
  drift = group.verify(some_limits());
  ASSERT_EQ(drift->size(), 1U);
  EXPECT_EQ(drift->front().file, "pids.max");
  EXPECT_EQ(drift->front().expected, "77");
  EXPECT_EQ(drift->front().found, "max");
  ASSERT_TRUE(group.apply(some_limits()));
  EXPECT_TRUE(group.verify(some_limits())->empty());
}

TEST_F(ROOT_Cgroup, LimitsGoUpAndDownInAnyOrder) {
  const Group group = made("updown");
  ASSERT_TRUE(group.apply(some_limits()));
  struct Step {
    std::int64_t quota, period, burst, memory, swap;
  };
  for (const Step& step : {Step{200'000, 50'000, 0, 400 << 20, 1 << 20}, Step{10'000, 100'000, 10'000, 50 << 20, 0},
                           Step{5'000, 20'000, 0, 60 << 20, 60 << 20}, Step{900'000, 900'000, 1'000, 10 << 20, 4096}}) {
    Limits limits;
    limits.cpu_bandwidth = CpuBandwidth{microseconds(step.quota), microseconds(step.period)};
    limits.cpu_burst = microseconds(step.burst);
    limits.memory = Limit<Bytes>(Bytes(step.memory));
    limits.swap = Limit<Bytes>(Bytes(step.swap));
    const auto done = group.apply(limits);
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_TRUE(group.verify(limits)->empty());
  }
  Limits none;
  none.cpu_bandwidth = CpuBandwidth{};
  none.memory = Limit<Bytes>();
  none.swap = Limit<Bytes>();
  none.pids = Limit<std::uint64_t>();
  const auto done = group.apply(none);
  ASSERT_TRUE(done) << done.error().what;
  const auto drift = group.verify(none);
  for (const auto& d : *drift) ADD_FAILURE() << d.file << ": " << d.expected << " is " << d.found;
}

TEST_F(ROOT_Cgroup, AMemoryLimitBelowUsageIsRefusedAndNobodyDies) {
  const Group group = made("decrease");
  const pid_t pid = run_in(group, [] {
    touch(60U << 20U);
    sleep_forever();
  });
  const std::string usage = hierarchies_.on_v1("memory") ? "memory.usage_in_bytes" : "memory.current";
  ASSERT_TRUE(within(5, [&] { return std::stoll(group.read("memory", usage).value()) > (60 << 20); }));
  Limits limits;
  limits.memory = Limit<Bytes>(Bytes(8 << 20));
  const auto refused = group.apply(limits);
  if (refused) GTEST_SKIP() << "this machine has swap: all of it could be reclaimed";
  EXPECT_TRUE(is_busy(refused.error())) << refused.error().what;
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
  EXPECT_EQ(group.oom_kill_count().value(), 0U);
  ASSERT_TRUE(group.kill_all());
  wait_for(pid);
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

TEST_F(ROOT_Cgroup, AWeightOutlivesTheTimeInWhichAGroupIsIdle) {
  const Group group = made("idle");
  if (!group.read("cpu", "cpu.idle")) GTEST_SKIP() << "no cpu.idle";
  const auto apply = [&](std::optional<bool> idle, std::optional<std::uint64_t> shares) {
    Limits limits;
    limits.cpu_idle = idle;
    limits.cpu_shares = shares;
    runtime::cgroup::keep_weight_over_idle(group, limits);
    const auto done = group.apply(limits);
    EXPECT_TRUE(done) << done.error().what;
  };
  const auto weight = [&] {
    return group.read("cpu", hierarchies_.on_v1("cpu") ? "cpu.shares" : "cpu.weight").value_or("");
  };
  apply({}, 700);
  const std::string before = weight();
  apply(true, {});
  apply(true, {});
  apply(false, {});
  EXPECT_EQ(weight(), before);
  apply(true, 300);
  apply(false, {});
  apply({}, 300);
  const std::string named = weight();
  apply(true, 300);
  apply(false, {});
  EXPECT_EQ(weight(), named) << "the weight that was named with it";
  apply(true, {});
  apply(false, 700);
  EXPECT_EQ(weight(), before) << "what is named counts";
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

TEST_F(ROOT_Cgroup, AnOomKillWakesUsAndIsCountedOnce) {
  const Group group = made("oom");
  Limits limits;
  limits.memory = Limit<Bytes>(Bytes(104'960'000));
  ASSERT_TRUE(group.apply(limits));
  limits.swap = Limit<Bytes>(Bytes(0));
  if (const auto swap = group.apply(limits); !swap) {
    EXPECT_EQ(swap.error().code, EOPNOTSUPP) << swap.error().what;  // swap accounting is off
  }
  runtime::UniqueFd event;
  if (hierarchies_.on_v1("memory")) event = group.oom_eventfd().value();
  EXPECT_EQ(group.oom_kill_count().value(), 0U);
  Collection collection(hierarchies_, {});
  auto sampler = CgroupSampler::open(collection, group).value();
  for (std::uint64_t kill = 1; kill <= 3; ++kill) {
    const pid_t pid = run_in(group, [] { touch(200U << 20U); });
    if (event.valid()) {
      EXPECT_TRUE(test::readable_within(event.get(), 5000));
    }
    const int status = wait_for(pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (event.valid()) {
      std::uint64_t wakes = 0;
      EXPECT_EQ(::read(event.get(), &wakes, sizeof wakes), static_cast<ssize_t>(sizeof wakes));
    }
    EXPECT_EQ(group.oom_kill_count().value(), kill);
    EXPECT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
    EXPECT_EQ(sampler.sample().memory.oom_kills, kill);
  }
  EXPECT_EQ(sampler.sample().memory.limit->value(), Bytes(104'960'000 / 4096 * 4096));
  EXPECT_GT(*sampler.sample().memory.max_usage, Bytes(100'000'000));
}

TEST_F(ROOT_Cgroup, ABusyLoopIsHeldToTenPercent) {
  const Group group = made("busy");
  const Group inner = group.child("inner").value();
  ASSERT_TRUE(inner.create());
  Limits limits;
  limits.cpu_bandwidth = CpuBandwidth{microseconds(10'000), microseconds(100'000)};
  ASSERT_TRUE(group.apply(limits));
  // The process is in a nested group: its stops come of the quota above it.
  const pid_t pid = run_in(inner, spin_forever);
  Collection collection(hierarchies_, {});
  auto sampler = CgroupSampler::open(collection, group).value();
  auto inner_sampler = CgroupSampler::open(collection, inner).value();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  const collectors::Sample before = sampler.sample();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  inner_sampler.read();
  const auto rates = collectors::rates(before, sampler.sample());
  EXPECT_NEAR(*rates.cpu_cores, 0.10, 0.01);
  EXPECT_NEAR(*rates.cpu_of_quota, 1.0, 0.1);
  EXPECT_GT(*rates.throttled_ratio, 0.9);
  EXPECT_GT(*sampler.sample().cpu.throttled_periods, *before.cpu.throttled_periods + 30);
  if (inner_sampler.sample().cpu.throttled_local) {
    EXPECT_GT(*inner_sampler.sample().cpu.throttled_local, std::chrono::seconds(2));
  }
  ASSERT_TRUE(group.kill_all());
  wait_for(pid);
}

TEST_F(ROOT_Cgroup, WhatVanishesBetweenTwoCallsIsGoneAndNothingElse) {
  const Group group = made("vanish");
  Collection collection(hierarchies_, {});
  auto sampler = CgroupSampler::open(collection, group).value();
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  const auto usage = sampler.sample().memory.usage;
  ASSERT_TRUE(group.remove());
  EXPECT_EQ(sampler.read(), CgroupSampler::Outcome::kGone);
  EXPECT_EQ(sampler.sample().memory.usage, usage) << "the last numbers stay";
  ASSERT_TRUE(group.create());
  EXPECT_EQ(sampler.read(), CgroupSampler::Outcome::kGone) << "another cgroup of the same path";
  ASSERT_TRUE(group.remove());
  for (const auto& cost : collection.cost()) EXPECT_EQ(cost.errors, 0U) << cost.collector;
  EXPECT_TRUE(is_gone(CgroupSampler::open(collection, group).error()));
  EXPECT_TRUE(is_gone(group.apply(some_limits()).error()));
  EXPECT_TRUE(is_gone(group.verify(some_limits()).error()));
  EXPECT_TRUE(is_gone(group.kill_all().error()));
  EXPECT_TRUE(is_gone(group.freeze().error()));
  EXPECT_TRUE(is_gone(group.thaw().error()));
  EXPECT_TRUE(is_gone(group.frozen().error()));
  EXPECT_TRUE(is_gone(group.processes().error()));
  EXPECT_TRUE(is_gone(group.populated().error()));
  EXPECT_TRUE(is_gone(group.attach(::getpid()).error()));
  EXPECT_TRUE(is_gone(group.oom_kill_count().error()));
  if (hierarchies_.on_v1("memory")) {
    EXPECT_TRUE(is_gone(group.oom_eventfd().error()));
  }
}

TEST_F(ROOT_Cgroup, AllThatThisMachineOffersIsRead) {
  const Group group = made("all");
  const pid_t pid = run_in(group, [] {
    touch(4U << 20U);
    sleep_forever();
  });
  ASSERT_TRUE(within(5, [&] { return group.populated().value(); }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Collection collection(hierarchies_, {.with = {"percpu", "processes"}});
  auto sampler = CgroupSampler::open(collection, group).value();
  ASSERT_TRUE(sampler.watch_network(pid));
  ASSERT_EQ(sampler.read(), CgroupSampler::Outcome::kRead);
  const collectors::Sample& s = sampler.sample();
  EXPECT_GT(s.cpu.usage.value(), std::chrono::nanoseconds(0));
  EXPECT_TRUE(s.cpu.user && s.cpu.system && s.cpu.periods && s.cpu.period && s.cpu.shares);
  EXPECT_FALSE(s.cpu.quota) << "unlimited is absent";
  EXPECT_GT(s.memory.usage.value(), Bytes(4 << 20));
  EXPECT_TRUE(s.memory.rss && s.memory.cache && s.memory.inactive_file && s.memory.page_faults);
  EXPECT_TRUE(s.memory.limit.value().is_unlimited());
  EXPECT_EQ(s.pids.current, 1U);
  EXPECT_EQ(s.pids.processes, 1U);
  EXPECT_FALSE(s.pids.max);
  if (!hierarchies_.v2_mount.empty()) {
    EXPECT_TRUE(s.cpu_pressure.some && s.memory_pressure.full && s.io_pressure.some);
  }
  ASSERT_TRUE(group.kill_all());
  wait_for(pid);
  for (const auto& cost : collection.cost()) EXPECT_EQ(cost.errors, 0U) << cost.collector;
}

TEST_F(ROOT_Cgroup, TheRootGroupCanBeRead) {
  Collection collection(hierarchies_, {});
  auto sampler = CgroupSampler::open(collection, Group::at(hierarchies_, "/").value());
  ASSERT_TRUE(sampler) << sampler.error().what;
  EXPECT_EQ(sampler->read(), CgroupSampler::Outcome::kRead);
  EXPECT_TRUE(sampler->sample().cpu.usage);
}

}  // namespace
}  // namespace mete
