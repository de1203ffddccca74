// SPDX-License-Identifier: Apache-2.0
// The counters of the real kernel: usage, throttling, OOM kills, and groups that vanish.
#include <sys/wait.h>

#include "collectors/rates.h"
#include "collectors/sampler.h"
#include "tests/root/cgroup/cgroup_root_support.h"

namespace mete {
namespace {

using collectors::CgroupSampler;
using collectors::Collection;
using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::Group;
using runtime::cgroup::is_gone;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using std::chrono::microseconds;
using test::ROOT_Cgroup;
using test::run_in;
using test::sleep_forever;
using test::some_limits;
using test::spin_forever;
using test::touch;
using test::wait_for;
using test::within;

TEST_F(ROOT_Cgroup, AnOomKillWakesUsAndIsCountedOnce) {
  const Group group = made("oom");
  Limits limits;
  limits.memory = Limit<Bytes>(Bytes(20'992'000));
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
    const pid_t pid = run_in(group, [] { touch(40U << 20U); });
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
  EXPECT_EQ(sampler.sample().memory.limit->value(), Bytes(20'992'000));
  EXPECT_GT(*sampler.sample().memory.max_usage, Bytes(20'000'000));
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
  Collection collection(hierarchies_, {.with = {"percpu", "processes"}});
  auto sampler = CgroupSampler::open(collection, group).value();
  ASSERT_TRUE(sampler.watch_network(pid));
  const collectors::Sample& s = sampler.sample();
  // An emulated machine takes its time to touch them.
  ASSERT_TRUE(
      within(60, [&] { return sampler.read() == CgroupSampler::Outcome::kRead && *s.memory.usage > Bytes(4 << 20); }));
  EXPECT_GT(*s.cpu.usage, std::chrono::nanoseconds(0));
  EXPECT_TRUE(s.cpu.user && s.cpu.system && s.cpu.periods && s.cpu.period && s.cpu.shares);
  EXPECT_FALSE(s.cpu.quota) << "unlimited is absent";
  EXPECT_TRUE(s.memory.rss && s.memory.cache && s.memory.inactive_file && s.memory.page_faults);
  EXPECT_TRUE(s.memory.limit->is_unlimited());
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
