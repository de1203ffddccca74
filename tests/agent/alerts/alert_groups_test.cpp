// SPDX-License-Identifier: Apache-2.0
// Which alerts make one message and when, what the message says, and when the engine looks.
#include "agent/alerts/alert_engine.h"
#include "agent/alerts/alert_json.h"
#include "agent/alerts/look_budget.h"
#include "runtime/json.h"
#include "tests/agent/alerts/alert_machine.h"

namespace mete::agent {
namespace {

using collectors::promql::Labels;
using std::chrono::minutes;
using std::chrono::seconds;
using namespace test;

TEST(AlertGroups, OneCauseIsOneMessage) {
  Machine machine;
  machine.see(seconds(0), {{"MeteOomKill", "a"}, {"MeteCrashLoop", "b"}});
  EXPECT_EQ(machine.told(seconds(0)), "+OomKill/a +CrashLoop/b");
  EXPECT_EQ(machine.told(seconds(1)), "");
  // What follows from it is held back; what does not waits for the group's interval.
  machine.see(seconds(10), {{"MeteOomKill", "a"}, {"MeteCrashLoop", "a"}, {"MeteMemoryNearLimit", "a"}});
  machine.see(seconds(70), {{"MeteOomKill", "a"}, {"MeteCrashLoop", "a"}, {"MeteMemoryNearLimit", "a"}});
  EXPECT_EQ(machine.told(seconds(71)), "");
  EXPECT_EQ(machine.told(seconds(300)), "+CrashLoop/a,+OomKill/a -CrashLoop/b");
}

TEST(AlertGroups, ACriticalOneIsToldAtOnce) {
  Machine machine;
  machine.see(seconds(0), {{"MeteOomKill", "a"}});
  EXPECT_EQ(machine.told(seconds(0)), "+OomKill/a");
  machine.see(seconds(20), {{"MeteOomKill", "a"}, {"MeteOomLoop", "a"}});
  EXPECT_EQ(machine.told(seconds(20)), "+OomLoop/a");
  EXPECT_EQ(machine.told(seconds(400)), "") << "what was told, and is held back now, is not told again";
  machine.see(seconds(700), {});
  EXPECT_EQ(machine.told(seconds(700)), "-OomKill/a -OomLoop/a");
  EXPECT_FALSE(machine.groups.next_due());
}

TEST(AlertGroups, WhatWasNeverToldDoesNotEnd) {
  config::AlertPolicy policy;
  policy.group_wait = seconds(30);
  Machine machine(policy);
  machine.see(seconds(0), {{"MeteOomKill", "a"}});
  EXPECT_EQ(machine.told(seconds(29)), "");
  machine.see(seconds(29), {});
  EXPECT_EQ(machine.told(seconds(1'000)), "");
  EXPECT_FALSE(machine.groups.next_due());
}

TEST(AlertGroups, TheSameIsToldAgainAfterRepeatInterval) {
  Machine machine;
  machine.see(seconds(0), {{"MeteCrashLoop", "a"}});
  EXPECT_EQ(machine.told(seconds(0)), "+CrashLoop/a");
  EXPECT_EQ(machine.groups.next_due(), at(std::chrono::hours(12)).steady);
  EXPECT_EQ(machine.told(std::chrono::hours(12)), "+CrashLoop/a");
}

TEST(AlertGroups, AnEndWhileItsBeginningIsOnItsWayIsTold) {
  Machine machine;
  machine.see(seconds(0), {{"MeteOomKill", "a"}});
  auto message = machine.groups.due(at(seconds(0)).steady);
  ASSERT_TRUE(message);
  machine.groups.sending(*message);
  machine.see(seconds(1), {});
  machine.groups.told(*message, at(seconds(2)).steady);
  EXPECT_EQ(machine.told(seconds(302)), "-OomKill/a");
  // And when it did not arrive, neither is told.
  machine.see(seconds(400), {{"MeteOomKill", "b"}});
  message = machine.groups.due(at(seconds(400)).steady);
  machine.groups.sending(*message);
  machine.see(seconds(401), {});
  machine.groups.not_told(*message);
  EXPECT_EQ(machine.told(seconds(1'000)), "");
}

TEST(AlertJson, IsWhatAnAlertmanagerSends) {
  Machine machine;
  machine.see(seconds(0), {{"MeteOomKill", "a"}});
  const auto message = machine.groups.due(at(seconds(0)).steady);
  const auto json = nlohmann::json::parse(webhook_json(*message, machine.table));
  EXPECT_EQ(json["version"], "4");
  EXPECT_EQ(json["status"], "firing");
  EXPECT_EQ(json["groupKey"], R"({}:{instance="m", namespace="n", pod="a", container="c"})");
  EXPECT_EQ(json["groupLabels"]["pod"], "a");
  EXPECT_EQ(json["commonLabels"]["alertname"], "MeteOomKill");
  const auto& alert = json["alerts"][0];
  EXPECT_EQ(alert["endsAt"], "0001-01-01T00:00:00Z");
  EXPECT_EQ(alert["annotations"]["summary"],
            "n/a c on m: killed for want of memory by the kernel, at a limit of scope container");
  EXPECT_EQ(alert["annotations"]["runbook_url"], "RUNBOOKS.md#meteoomkill");
  EXPECT_EQ(alert["fingerprint"], fingerprint(message->alerts[0].labels));
  const auto posted =
      nlohmann::json::parse(alertmanager_json(machine.states.firing(), {}, at(seconds(240)).wall, machine.table));
  EXPECT_EQ(posted[0]["labels"]["by"], "kernel");
  EXPECT_EQ(posted[0]["startsAt"].get<std::string>().substr(0, 10), "2027-01-15");
}

TEST(AlertEngine, AKillIsFoundWithoutAReading) {
  AlertEngine engine(table_of(), "m");
  auto counted = std::make_shared<collectors::Reading>();
  auto& series = counted->series.emplace_back();
  series.workload = std::make_shared<collectors::LabelBlock>(
      collectors::LabelBlock{{"namespace", "n"}, {"pod", "p"}, {"container", "c"}});
  series.lifecycle.emplace();
  const auto sample = [&](seconds when, bool all) {
    AlertEngine::Input input;
    if (all) input.reading = std::make_shared<collectors::Reading>();
    input.counted = counted;
    input.at = at(when).steady;
    input.wall = std::chrono::time_point_cast<std::chrono::system_clock::duration>(at(when).wall);
    return engine.sample(input);
  };
  auto found = sample(seconds(0), true);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->failures.empty()) << found->failures.front();
  EXPECT_TRUE(found->found.empty());
  EXPECT_FALSE(sample(seconds(1), false)) << "nothing has happened";
  series.lifecycle->oom_kills.container = 1;
  found = sample(seconds(2), false);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->found.size(), 1U);
  EXPECT_EQ(engine.table().rules[found->found[0].rule].name, "MeteOomKill");
  EXPECT_EQ(found->found[0].numbers, "processes killed for want of memory within ten minutes: 1");
  // The next reading knows it as well, and it is counted once.
  found = sample(seconds(15), true);
  ASSERT_EQ(found->found.size(), 1U);
  series.lifecycle->oom_kills.container = 3;
  found = sample(seconds(16), false);
  ASSERT_EQ(found->found.size(), 2U) << "a loop";
}

TEST(LookBudget, ARestIsSavedAndTheLongRunIsATwentieth) {
  using std::chrono::milliseconds;
  LookBudget budget;
  auto now = at(seconds(100)).steady;
  EXPECT_LE(budget.free_at(), now);
  // Other events just before a kill do not make it wait, although each look took a while.
  for (int i = 0; i < 10; ++i) {
    EXPECT_LE(budget.free_at(), now) << i;
    budget.spend(now, milliseconds(5));
    now += milliseconds(5);
  }
  // Without a rest the share holds: in ten seconds, what was saved and a twentieth.
  const auto begin = now;
  milliseconds taken{};
  while (now < begin + seconds(10)) {
    now = std::max(now, budget.free_at());
    budget.spend(now, milliseconds(5));
    taken += milliseconds(5);
    now += milliseconds(5);
  }
  EXPECT_LE(taken, milliseconds(10'000 / LookBudget::kShare + 60));
  EXPECT_GE(taken, milliseconds(10'000 / LookBudget::kShare - 60));
  // A long rest saves no more than a short one.
  now += std::chrono::hours(1);
  budget.spend(now, milliseconds(51));
  EXPECT_GT(budget.free_at(), now);
}

}  // namespace
}  // namespace mete::agent
