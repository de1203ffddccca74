// SPDX-License-Identifier: Apache-2.0
// The alerts of the agent itself, without an agent: the table, states, groups, messages, and what is kept.
#include <gtest/gtest.h>

#include "agent/alerts/alert_engine.h"
#include "agent/alerts/alert_groups.h"
#include "agent/alerts/alert_json.h"
#include "agent/alerts/alert_states.h"
#include "agent/alerts/alert_table.h"
#include "agent/alerts/look_budget.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using collectors::promql::Labels;
using std::chrono::minutes;
using std::chrono::seconds;

AlertTable table_of(const config::AlertPolicy& policy = {}) {
  auto table = read_alert_table(builtin_alert_table(), policy);
  EXPECT_TRUE(table) << (table ? "" : table.error().what);
  return table ? std::move(*table) : AlertTable();
}

std::size_t rule_named(const AlertTable& table, std::string_view name) {
  for (std::size_t i = 0; i < table.rules.size(); ++i) {
    if (table.rules[i].name == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

AlertMoment at(seconds after) {
  return {std::chrono::steady_clock::time_point(std::chrono::hours(1)) + after,
          enforcers::WallTime(std::chrono::hours(500'000)) + after};
}

Labels container(const std::string& pod) {
  return {{"container", "c"}, {"instance", "m"}, {"job", "mete"}, {"namespace", "n"}, {"pod", pod}};
}

// A table, its states, and what a webhook would be told.
struct Machine {
  explicit Machine(config::AlertPolicy with = {}, std::map<std::string, std::string> more = {})
      : policy(std::move(with)), table(table_of(policy)), states(table, std::move(more)), groups(policy, true) {}

  // Evaluated: these rules hold for these pods.
  AlertStates::Changes see(seconds when, std::vector<std::pair<const char*, const char*>> holding, bool all = true) {
    AlertsFound found;
    found.all = all;
    for (const auto& [rule, pod] : holding) {
      Labels labels = container(pod);
      if (std::string_view(rule) == "MeteOomKill") {
        labels.emplace_back("scope", "container");
        labels.emplace_back("by", "kernel");
      }
      found.found.push_back({rule_named(table, rule), labels, 1, "number: 1"});
    }
    auto changes = states.see(found, at(when));
    groups.see(states.firing(), Inhibited(states.firing(), table), at(when));
    return changes;
  }
  // Each message due by then as "status:NAMES status:NAMES", taken.
  std::string told(seconds when) {
    std::string all;
    for (auto message = groups.due(at(when).steady); message; message = groups.due(at(when).steady)) {
      groups.sending(*message);
      all += all.empty() ? "" : " ";
      std::set<std::string> names;
      for (const auto& alert : message->alerts) {
        names.insert(std::string(alert.firing ? "+" : "-")
                         .append(alert.label("alertname").substr(4))
                         .append("/")
                         .append(alert.label("pod")));
      }
      std::string text;
      for (const auto& name : names) text.append(text.empty() ? "" : ",").append(name);
      all += text;
      groups.told(*message, at(when).steady);
    }
    return all;
  }

  config::AlertPolicy policy;
  AlertTable table;
  AlertStates states;
  AlertGroups groups;
};

TEST(AlertTable, IsWholeAndKnowsWhatIsCounted) {
  const AlertTable table = table_of();
  EXPECT_GE(table.rules.size(), 19U);
  for (const auto& rule : table.rules) {
    EXPECT_NE(rule.name, "MeteTargetDown") << "an agent that is down cannot tell so";
    EXPECT_FALSE(rule.summary.empty() || rule.advice.empty() || rule.runbook.empty() || rule.numbers.empty())
        << rule.name;
    EXPECT_LE(rule.looks_back, minutes(21)) << rule.name;
  }
  for (const char* name : {"MeteOomKill", "MeteOomLoop", "MeteOomWithoutVictim", "MeteCrashLoop", "MeteGuardTripped",
                           "MeteEnforcementFailing", "MeteLimitDrift"})
    EXPECT_TRUE(table.rules[rule_named(table, name)].counted) << name << " would wait for the next reading";
  EXPECT_FALSE(table.rules[rule_named(table, "MeteThrottlingHurts")].counted);
  EXPECT_EQ(table.rules[rule_named(table, "MeteOomKill")].looks_back, minutes(10));
}

TEST(AlertTable, IsChangedByAgentYaml) {
  config::AlertPolicy policy;
  policy.disable = {"MeteOomLoop"};
  policy.bounds = {{"MeteThrottlingHurts", "cpu_throttled", 0.5}};
  policy.speed = 15;
  const AlertTable table = table_of(policy);
  for (const auto& rule : table.rules) EXPECT_NE(rule.name, "MeteOomLoop");
  const auto& rule = table.rules[rule_named(table, "MeteThrottlingHurts")];
  EXPECT_EQ(rule.waits, seconds(12));
  EXPECT_EQ(rule.looks_back, seconds(20));
  const auto* first = rule.expression.get();
  while (first->parts[0]->kind == collectors::promql::Expression::Kind::kBinary) first = first->parts[0].get();
  EXPECT_EQ(first->parts[1]->number, 0.5);
}

TEST(AlertTable, NamesWhatIsWrong) {
  const auto error = [](const config::AlertPolicy& policy) {
    const auto table = read_alert_table(builtin_alert_table(), policy);
    return table ? "" : table.error().what;
  };
  config::AlertPolicy policy;
  policy.disable = {"MeteOmKill"};
  EXPECT_TRUE(error(policy).starts_with("alerts.disable: found \"MeteOmKill\", expected one of MeteThrottlingHurts"));
  policy = {};
  policy.bounds = {{"MeteOomKill", "cpu_usage", 1}};
  EXPECT_TRUE(error(policy).starts_with("alerts.bounds: MeteOomKill has no condition on \"cpu_usage\""));
  EXPECT_NE(read_alert_table("{}", {}).error().what, "");
}

TEST(AlertNumbers, AreWrittenAsPrometheusDoes) {
  EXPECT_EQ(alert_number(0.9, "ratio"), "90%");
  EXPECT_EQ(alert_number(0.33333333, "ratio"), "33.33%");
  EXPECT_EQ(alert_number(0.0888888, "seconds"), "88.89ms");
  EXPECT_EQ(alert_number(0, "seconds"), "0s");
  EXPECT_EQ(alert_number(5.5, "seconds"), "5.5s");
  EXPECT_EQ(alert_number(125, "seconds"), "2m 5s");
  EXPECT_EQ(alert_number(90061, "seconds"), "1d 1h 1m 1s");
  EXPECT_EQ(alert_number(1.5, "cores"), "1.500 cores");
  EXPECT_EQ(alert_number(3, "count"), "3");
}

TEST(AlertStates, WaitsThenFiresThenEnds) {
  Machine machine;
  EXPECT_TRUE(machine.see(seconds(0), {{"MeteThrottlingHurts", "a"}}).fired.empty());
  EXPECT_EQ(machine.states.all().size(), 1U);
  EXPECT_TRUE(machine.see(seconds(165), {{"MeteThrottlingHurts", "a"}}).fired.empty());
  EXPECT_TRUE(machine.states.firing().empty());
  const auto fired = machine.see(seconds(180), {{"MeteThrottlingHurts", "a"}}).fired;
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_EQ(fired[0].label("severity"), "warning");
  EXPECT_EQ(fired[0].summary, "n/a c on m: its CPU quota ends before its work does");
  EXPECT_TRUE(machine.see(seconds(195), {{"MeteThrottlingHurts", "a"}}).fired.empty());
  const auto ended = machine.see(seconds(210), {}).resolved;
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].ended, at(seconds(210)).wall);
  EXPECT_TRUE(machine.states.all().empty());
}

TEST(AlertStates, APendingOneThatEndsBeginsAnew) {
  Machine machine;
  machine.see(seconds(0), {{"MeteThrottlingHurts", "a"}});
  machine.see(seconds(100), {});
  machine.see(seconds(115), {{"MeteThrottlingHurts", "a"}});
  EXPECT_TRUE(machine.see(seconds(200), {{"MeteThrottlingHurts", "a"}}).fired.empty());
}

TEST(AlertStates, WhatIsCountedAloneEndsNothingElse) {
  Machine machine;
  machine.see(seconds(0), {{"MeteCrashLoop", "a"}, {"MeteUnhealthy", "a"}});
  machine.see(seconds(60), {{"MeteCrashLoop", "a"}, {"MeteUnhealthy", "a"}});
  ASSERT_EQ(machine.states.firing().size(), 2U);
  const auto ended = machine.see(seconds(61), {}, false).resolved;
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].label("alertname"), "MeteCrashLoop");
}

TEST(AlertStates, ARestartOfTheAgentNeitherEndsNorRepeats) {
  Machine before({}, {{"site", "x"}});
  before.see(seconds(0), {{"MeteOomKill", "a"}});
  EXPECT_EQ(before.told(seconds(0)), "+OomKill/a");
  KeptAlerts kept;
  for (const auto* alert : before.states.firing()) kept.firing.push_back(*alert);
  for (auto& told : before.groups.told()) kept.told.emplace_back("http://w/", told);
  const std::string file = to_json(kept, at(seconds(5)));

  Machine after({}, {{"site", "x"}});
  auto read = parse_kept_alerts(file, at(seconds(30)));
  ASSERT_TRUE(read) << read.error().what;
  for (auto& alert : read->firing) after.states.restore(std::move(alert), at(seconds(30)));
  for (auto& [address, told] : read->told) after.groups.restore(std::move(told));
  // The new agent has counted no kill; it cannot know yet.
  auto changes = after.see(seconds(31), {});
  EXPECT_TRUE(changes.fired.empty() && changes.resolved.empty());
  EXPECT_EQ(after.told(seconds(31)), "");
  changes = after.see(seconds(30 + 599), {});
  EXPECT_TRUE(changes.fired.empty() && changes.resolved.empty());
  changes = after.see(seconds(30 + 600), {});
  ASSERT_EQ(changes.resolved.size(), 1U);
  EXPECT_EQ(changes.resolved[0].label("site"), "x");
  EXPECT_EQ(after.told(seconds(30 + 600)), "-OomKill/a");
}

TEST(AlertStates, AKillAfterARestartKeepsTheAlertByItself) {
  Machine machine;
  Alert alert;
  machine.see(seconds(0), {{"MeteOomKill", "a"}});
  alert = *machine.states.firing()[0];
  Machine after;
  after.states.restore(alert, at(seconds(10)));
  EXPECT_TRUE(after.see(seconds(20), {{"MeteOomKill", "a"}}).fired.empty()) << "it still fires";
  EXPECT_EQ(after.see(seconds(40), {}).resolved.size(), 1U) << "now the agent knows";
}

TEST(KeptAlerts, AnUnreadableFileSaysWhy) {
  EXPECT_NE(parse_kept_alerts("", at(seconds(0))).error().what, "");
  EXPECT_EQ(parse_kept_alerts(R"({"version":2})", at(seconds(0))).error().what, "found version 2, expected 1");
  EXPECT_NE(parse_kept_alerts(R"({"version":1,"firing":[{}],"told":[]})", at(seconds(0))).error().what, "");
}

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
