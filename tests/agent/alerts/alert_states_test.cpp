// SPDX-License-Identifier: Apache-2.0
// The table of alerts, what each rule holds or held, and what is kept over a restart.

#include "agent/alerts/alert_json.h"
#include "tests/agent/alerts/alert_machine.h"

namespace mete::agent {
namespace {

using collectors::promql::Labels;
using std::chrono::minutes;
using std::chrono::seconds;
using namespace test;

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

}  // namespace
}  // namespace mete::agent
