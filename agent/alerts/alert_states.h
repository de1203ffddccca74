// SPDX-License-Identifier: Apache-2.0
// From conditions that hold to alerts: pending for as long as a rule waits, then firing, then resolved. Pure: no clock,
// no I/O.
//
// An alert that fired when an agent ended still fires when the next one begins, until that agent has seen as much time
// as the rule looks back on: before, it cannot know. So a restart neither resolves an alert nor tells it anew.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/alerts/alert_engine.h"
#include "agent/alerts/alert_table.h"
#include "enforcers/restart.h"

namespace mete::agent {

struct AlertMoment {
  std::chrono::steady_clock::time_point steady;
  enforcers::WallTime wall;
};

struct Alert {
  std::size_t rule = 0;
  collectors::promql::Labels labels;  // with alertname and severity, by name
  double value = 0;
  std::string summary, numbers;
  bool firing = false;
  AlertMoment since{};                                 // the conditions hold
  enforcers::WallTime fired{};                         // when firing
  enforcers::WallTime ended{};                         // of a resolved one
  std::chrono::steady_clock::time_point kept_until{};  // of an earlier agent; default: not, or seen again
  [[nodiscard]] std::string_view label(std::string_view name) const;  // empty: absent
};

// The 16 digits that an Alertmanager computes for these labels.
[[nodiscard]] std::string fingerprint(const collectors::promql::Labels& labels);

class AlertStates {
 public:
  static constexpr std::size_t kMost = 2'000;  // alerts; more are not taken

  // `more`: labels that every alert gets.
  AlertStates(const AlertTable& table, std::map<std::string, std::string> more)
      : table_(table), more_(std::move(more)) {}

  struct Changes {
    std::vector<Alert> fired, resolved;
    std::size_t left_out = 0;
  };
  Changes see(const AlertsFound& found, AlertMoment now);

  // An alert that fired when another agent ended. Nothing is taken when the table has no such rule any more.
  void restore(Alert alert, AlertMoment now);

  [[nodiscard]] std::vector<const Alert*> firing() const;
  [[nodiscard]] std::vector<const Alert*> all() const;  // pending too

 private:
  [[nodiscard]] collectors::promql::Labels labels_of(const AlertFound& found) const;

  const AlertTable& table_;
  std::map<std::string, std::string> more_;
  std::map<collectors::promql::Labels, Alert> alerts_;
};

// Which alerts are held back by one of those that fire.
class Inhibited {
 public:
  Inhibited(const std::vector<const Alert*>& firing, const AlertTable& table);
  [[nodiscard]] bool operator()(const Alert& alert) const;

 private:
  const AlertTable& table_;
  std::set<std::string> held_;  // name and equal labels of what the firing ones hold back
};

// `{label}` becomes the label's value.
[[nodiscard]] std::string filled_in(std::string_view text, const collectors::promql::Labels& labels);

}  // namespace mete::agent
