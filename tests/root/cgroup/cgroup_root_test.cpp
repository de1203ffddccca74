// SPDX-License-Identifier: Apache-2.0
// The real kernel, for what fixture trees cannot show: groups and their limits.
#include <sys/wait.h>

#include "runtime/cgroup/cpu.h"
#include "tests/root/cgroup/cgroup_root_support.h"

namespace mete {
namespace {

using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::Group;
using runtime::cgroup::is_busy;
using runtime::cgroup::is_gone;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using std::chrono::microseconds;
using test::ROOT_Cgroup;
using test::run_in;
using test::sleep_forever;
using test::some_limits;
using test::touch;
using test::wait_for;
using test::within;

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

}  // namespace
}  // namespace mete
