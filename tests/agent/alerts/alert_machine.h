// SPDX-License-Identifier: Apache-2.0
// The built-in alerts without an agent, for their tests: a table, the states of its rules, and what a webhook is told.
#pragma once

#include <gtest/gtest.h>

#include "agent/alerts/alert_groups.h"
#include "agent/alerts/alert_states.h"
#include "agent/alerts/alert_table.h"

namespace mete::agent::test {

using collectors::promql::Labels;
using std::chrono::minutes;
using std::chrono::seconds;

inline AlertTable table_of(const config::AlertPolicy& policy = {}) {
  auto table = read_alert_table(builtin_alert_table(), policy);
  EXPECT_TRUE(table) << (table ? "" : table.error().what);
  return table ? std::move(*table) : AlertTable();
}

inline std::size_t rule_named(const AlertTable& table, std::string_view name) {
  for (std::size_t i = 0; i < table.rules.size(); ++i) {
    if (table.rules[i].name == name) return i;
  }
  ADD_FAILURE() << name;
  return 0;
}

inline AlertMoment at(seconds after) {
  return {std::chrono::steady_clock::time_point(std::chrono::hours(1)) + after,
          enforcers::WallTime(std::chrono::hours(500'000)) + after};
}

inline Labels container(const std::string& pod) {
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

}  // namespace mete::agent::test
