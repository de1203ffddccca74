// SPDX-License-Identifier: Apache-2.0
#include "enforcers/memory_watch.h"

#include <gtest/gtest.h>

#include "enforcers/cgroup_policies.h"
#include "enforcers/guard.h"
#include "enforcers/oom.h"
#include "enforcers/process_choice.h"
#include "enforcers/raise.h"

namespace mete::enforcers {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using config::ThresholdAction;

const Moment kStart = Moment(1h);

std::vector<config::MemoryThreshold> rules() {
  std::vector<config::MemoryThreshold> rules(3);
  rules[0].usage = Ratio(900'000);
  rules[0].action = ThresholdAction::kReclaim;
  rules[1].usage = Ratio(800'000);
  rules[1].action = ThresholdAction::kSignal;
  rules[2].usage = Ratio(950'000);
  rules[2].action = ThresholdAction::kKillContainer;
  return rules;
}

TEST(ThresholdLatch, FiresOnceUntilUsageHasFallenWellBelow) {
  ThresholdLatch latch;
  const auto all = rules();
  const auto crossed = [&](std::int64_t percent, Moment at) {
    return latch.crossed(all, Bytes(percent * 1000), Bytes(100'000), at);
  };
  EXPECT_TRUE(crossed(79, kStart).empty());
  EXPECT_EQ(crossed(80, kStart + 1ms), std::vector<std::size_t>{1});
  EXPECT_TRUE(crossed(85, kStart + 2ms).empty());
  EXPECT_TRUE(crossed(77, kStart + 3ms).empty());
  EXPECT_TRUE(crossed(82, kStart + 4ms).empty()) << "it swings about the threshold";
  EXPECT_TRUE(crossed(74, kStart + 5ms).empty());
  EXPECT_EQ(crossed(82, kStart + 6ms), std::vector<std::size_t>{1});
}

TEST(ThresholdLatch, TheLowestFirstAndWhatHelpsIsRepeated) {
  ThresholdLatch latch;
  const auto all = rules();
  const auto crossed = [&](Moment at) { return latch.crossed(all, Bytes(96'000), Bytes(100'000), at); };
  EXPECT_EQ(crossed(kStart), (std::vector<std::size_t>{1, 0, 2}));
  EXPECT_TRUE(crossed(kStart + 999ms).empty());
  EXPECT_EQ(crossed(kStart + 1s), (std::vector<std::size_t>{0, 2})) << "a signal is not sent again";
}

TEST(ThresholdLatch, ARaiseIsArmedAgainByTheRaisedLimit) {
  std::vector<config::MemoryThreshold> all(1);
  all[0] = {.usage = Ratio(800'000), .action = ThresholdAction::kRaise};
  ThresholdLatch latch;
  EXPECT_EQ(latch.crossed(all, Bytes(80), Bytes(100), kStart).size(), 1U);
  EXPECT_TRUE(latch.crossed(all, Bytes(99), Bytes(100), kStart + 1s).empty()) << "it could not be raised";
  EXPECT_TRUE(latch.crossed(all, Bytes(80), Bytes(102), kStart + 2s).empty());
  EXPECT_EQ(latch.crossed(all, Bytes(82), Bytes(102), kStart + 3s).size(), 1U) << "by 2%: usage never falls well below";
}

TEST(ThresholdLatch, ChangedRulesBeginAnewAndTheOthersDoNot) {
  ThresholdLatch latch;
  auto all = rules();
  EXPECT_EQ(latch.crossed(all, Bytes(92), Bytes(100), kStart), (std::vector<std::size_t>{1, 0}));
  all.erase(all.begin());
  EXPECT_TRUE(latch.crossed(all, Bytes(92), Bytes(100), kStart + 1ms).empty())
      << "the signal was sent, at whatever place its rule was";
  all[0].signal = 10;
  EXPECT_EQ(latch.crossed(all, Bytes(92), Bytes(100), kStart + 2ms), std::vector<std::size_t>{0});
}

TEST(OutOfMemoryAt, PageCacheMakesRoomByItself) {
  EXPECT_TRUE(out_of_memory_at(62_MiB, 1_MiB, 64_MiB));
  EXPECT_TRUE(out_of_memory_at(62_MiB, 3_MiB, 64_MiB)) << "the program's own text";
  EXPECT_FALSE(out_of_memory_at(62_MiB, 10_MiB, 64_MiB));
  EXPECT_FALSE(out_of_memory_at(60_MiB, 0_B, 64_MiB)) << "not at the tripwire";
  EXPECT_FALSE(out_of_memory_at(992_MiB, 900_MiB, 1024_MiB));
  EXPECT_TRUE(out_of_memory_at(992_MiB, 20_MiB, 1024_MiB));
}

TEST(ThresholdLatch, SharesOfHugeLimitsDoNotOverflow) {
  EXPECT_EQ(share_of(Bytes(std::int64_t{1} << 60), Ratio(500'000)), Bytes(std::int64_t{1} << 59));
  EXPECT_EQ(share_of(Bytes(3), Ratio(500'000)), Bytes(1));
}

TEST(FillRate, IsThatOfTheLastHalfSecond) {
  FillRate rate;
  EXPECT_EQ(rate.bytes_per_second(), 0);
  rate.see(kStart, Bytes(0));
  EXPECT_EQ(rate.bytes_per_second(), 0);
  rate.see(kStart + 100ms, Bytes(1'000'000));
  EXPECT_NEAR(rate.bytes_per_second(), 1e7, 1);
  rate.see(kStart + 2s, Bytes(1'000'000));
  rate.see(kStart + 2100ms, Bytes(900'000));
  EXPECT_NEAR(rate.bytes_per_second(), -1e6, 1) << "what was two seconds ago counts no more";
}

TEST(FillRate, SaysWhenItIsFullAndWhenToLookAgain) {
  EXPECT_EQ(time_to_limit(60_MiB, 100_MiB, 10.0 * (1 << 20)), 4s);
  EXPECT_EQ(time_to_limit(100_MiB, 100_MiB, -1), 0ns);
  EXPECT_FALSE(time_to_limit(60_MiB, 100_MiB, 0));
  EXPECT_FALSE(time_to_limit(60_MiB, 100_MiB, -5));
  EXPECT_FALSE(time_to_limit(60_MiB, 100_MiB, 1)) << "more than a day";
  EXPECT_EQ(next_look(40_MiB, 0), 1s);
  EXPECT_EQ(next_look(40_MiB, 1.0 * (1 << 20)), 1s);
  EXPECT_EQ(next_look(4_MiB, 10.0 * (1 << 20)), 100ms);
  EXPECT_EQ(next_look(1_KiB, 1e9), 10ms);
  EXPECT_EQ(next_look(Bytes(-5), 1e9), 10ms);
}

TEST(Window, GrowthIsOverTheWholeWindow) {
  Window window(1s);
  window.see(kStart, 100);
  window.see(kStart + 900ms, 200);
  EXPECT_FALSE(window.growth()) << "not seen for so long yet";
  window.see(kStart + 1s, 300);
  ASSERT_TRUE(window.growth());
  EXPECT_EQ(window.growth()->by, 200U);
  EXPECT_EQ(window.last()->by, 100U);
  window.see(kStart + 2s, 350);
  EXPECT_EQ(window.growth()->by, 50U);
  EXPECT_EQ(window.growth()->in, 1s);
  window.see(kStart + 3s, 10);
  EXPECT_FALSE(window.growth()) << "another cgroup's counter";
}

TEST(Window, ALongOneSampledFinelyStaysSmallAndRight) {
  Window window(10min);
  for (int i = 0; i <= 70'000; ++i) window.see(kStart + i * 10ms, static_cast<std::uint64_t>(i));
  ASSERT_TRUE(window.growth());
  EXPECT_GE(window.growth()->in, 10min);
  EXPECT_LE(window.growth()->in, 10min + 5s);
  EXPECT_NEAR(static_cast<double>(window.growth()->by), static_cast<double>(window.growth()->in / 10ms), 1);
}

TEST(Window, StallsAndRefaultsAreSharesOfTimeAndLimit) {
  EXPECT_TRUE(stalls({400'000'000, 1s}, Ratio(400'000)));
  EXPECT_FALSE(stalls({399'999'999, 1s}, Ratio(400'000)));
  EXPECT_TRUE(thrashes({256, 1s}, Bytes(4096), Ratio(1'000'000), 1_MiB));
  EXPECT_FALSE(thrashes({255, 1s}, Bytes(4096), Ratio(1'000'000), 1_MiB));
}

TEST(KillGuard, CountsKillsInItsWindow) {
  KillGuard guard;
  EXPECT_TRUE(guard.allow(std::nullopt, kStart));
  const config::GuardPolicy policy{2, 1min};
  EXPECT_TRUE(guard.allow(policy, kStart));
  EXPECT_TRUE(guard.allow(policy, kStart + 10s));
  EXPECT_FALSE(guard.allow(policy, kStart + 59s));
  EXPECT_TRUE(guard.allow(policy, kStart + 60s));
  EXPECT_FALSE(guard.allow(policy, kStart + 61s));
  EXPECT_FALSE(KillGuard().allow(config::GuardPolicy{0, 1min}, kStart));
}

TEST(Raise, ByAShareOfTheOriginalUpToTheMaximumAndTheMachine) {
  const config::OomRaise raise{Ratio(250'000), 96_MiB};
  EXPECT_EQ(raised_limit(raise, {64_MiB, 64_MiB, 1_GiB}).value(), 80_MiB);
  EXPECT_EQ(raised_limit(raise, {64_MiB, 90_MiB, 1_GiB}).value(), 96_MiB);
  const auto at_most = raised_limit(raise, {64_MiB, 96_MiB, 1_GiB});
  ASSERT_FALSE(at_most);
  EXPECT_NE(at_most.error().what.find("largest"), std::string::npos);
  const auto poor = raised_limit(raise, {64_MiB, 64_MiB, 15_MiB});
  ASSERT_FALSE(poor);
  EXPECT_NE(poor.error().what.find("the machine has 15728640 bytes left"), std::string::npos) << poor.error().what;
  EXPECT_FALSE(raised_limit(raise, {64_MiB, 64_MiB, Bytes(-1)}));
  EXPECT_EQ(raised_limit({Ratio(1), std::nullopt}, {64_MiB, 64_MiB, 1_GiB}).value(), 64_MiB + 4_KiB)
      << "at least a page";
}

TEST(OomVictim, IsTheKernelsChoice) {
  std::vector<collectors::ProcessMemory> processes(4);
  processes[0].rss = 50_MiB;
  processes[1].rss = 10_MiB;
  processes[1].swap = 45_MiB;
  processes[2].rss = 90_MiB;
  processes[2].oom_score_adj = -1000;
  processes[3].rss = 1_MiB;
  EXPECT_EQ(oom_victim(processes, 100_MiB), 1U);
  processes[3].oom_score_adj = 900;
  EXPECT_EQ(oom_victim(processes, 100_MiB), 3U);
  EXPECT_FALSE(oom_victim({}, 100_MiB));
  EXPECT_FALSE(oom_victim(std::span(processes).subspan(2, 1), 100_MiB));
}

config::Policy policy_for(const std::string& name, std::vector<std::string> globs) {
  config::Policy policy;
  policy.metadata.name = name;
  policy.metadata.namespace_ = "default";
  policy.selector.cgroups = std::move(globs);
  return policy;
}

TEST(CgroupPolicies, TheOneThatSaysMostWinsAndTiesNameBoth) {
  const std::vector<config::Policy> policies = {policy_for("all", {"/*"}), policy_for("docker", {"/docker/*"}),
                                                policy_for("one", {"/docker/abc", "/x"}),
                                                policy_for("twin", {"/docker/?*"})};
  const auto chosen = [&](std::string_view path) {
    const auto policy = policy_of_cgroup(policies, path);
    return !policy ? policy.error().what : *policy == nullptr ? "none" : (*policy)->metadata.name;
  };
  EXPECT_EQ(chosen("/docker/abc"), "one");
  EXPECT_EQ(chosen("/system.slice"), "all");
  EXPECT_EQ(policy_of_cgroup({}, "/x").value(), nullptr);
  const std::string tie = chosen("/docker/other");
  EXPECT_NE(tie.find("`default/docker`"), std::string::npos) << tie;
  EXPECT_NE(tie.find("`default/twin`"), std::string::npos) << tie;
}

TEST(Oom, HoldAndRaiseDecideBeforeTheKernel) {
  config::Policy policy;
  EXPECT_FALSE(decides_before_the_kernel(nullptr));
  EXPECT_FALSE(decides_before_the_kernel(&policy));
  policy.memory.on_oom = config::OnOom::kHold;
  policy.memory.hold = config::OomHold{1s, config::OnOom::kKillProcess};
  EXPECT_TRUE(decides_before_the_kernel(&policy));
  EXPECT_EQ(oom_action(&policy), OomAction::kKillProcess) << "should the kernel kill all the same";
  policy.dry_run = true;
  EXPECT_FALSE(decides_before_the_kernel(&policy));
  EXPECT_EQ(tripwire_of(64_MiB), 62_MiB);
  EXPECT_EQ(tripwire_of(8_MiB), 7_MiB);
  EXPECT_EQ(tripwire_of(1_MiB), Bytes(512 << 10));
}

TEST(ProcessChoice, WhoHasNothingIsNotWorthKilling) {
  collectors::ProcessMemory shell;
  shell.rss = 1_MiB;
  shell.file = 1_MiB;
  EXPECT_FALSE(worth_killing(shell, 64_MiB)) << "its pages are the binary's";
  shell.anon = 2_MiB;
  EXPECT_TRUE(worth_killing(shell, 64_MiB));
  EXPECT_FALSE(worth_killing(shell, 128_MiB));
}

}  // namespace
}  // namespace mete::enforcers
