// SPDX-License-Identifier: Apache-2.0
// Decides which alerts go into one message to a webhook, and when the message is sent. The rules are those of an
// Alertmanager with the routes of dashboards/prometheus/alertmanager.yml, so that one cause gives one message. Pure: no
// clock, no I/O.
//
// Alerts alike in the labels of `group_by` are a group, critical ones groups of their own. A group is told when it
// begins (after group_wait), when an alert joins it or ends (not before group_interval after the last message), and
// again after repeat_interval. An alert that is held back is not told, and its end only if it had been.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/alerts/alert_states.h"
#include "config/model/agent_config.h"

namespace mete::agent {

struct AlertMessage {
  std::string group;                  // its key
  collectors::promql::Labels labels;  // which all have, of group_by
  std::vector<Alert> alerts;          // those with firing == false have ended
};

class AlertGroups {
 public:
  using Time = std::chrono::steady_clock::time_point;

  AlertGroups(const config::AlertPolicy& policy, bool tell_ends) : policy_(policy), tell_ends_(tell_ends) {}

  // `firing`: all that fire; `held_back`: which of them are inhibited.
  void see(const std::vector<const Alert*>& firing, const Inhibited& held_back, AlertMoment now);
  // The message that is due first; empty: none is due at `now`.
  [[nodiscard]] std::optional<AlertMessage> due(Time now) const;
  // When the next one will be due if nothing changes; empty: never.
  [[nodiscard]] std::optional<Time> next_due() const;
  // The message is being sent: what it tells may end meanwhile, and that end is to be told as well. One message of a
  // group at a time. Then it was taken, or was not.
  void sending(const AlertMessage& message);
  void told(const AlertMessage& message, Time now);
  void not_told(const AlertMessage& message);

  // What was told of each group: kept over a restart of the agent.
  struct Told {
    std::string group;
    std::set<std::string> firing;  // fingerprints
    Time at;
  };
  [[nodiscard]] std::vector<Told> told() const;
  void restore(Told told);

 private:
  struct Group {
    collectors::promql::Labels labels;
    std::map<std::string, Alert> alerts;  // by fingerprint
    std::set<std::string> told_firing, in_flight;
    std::optional<Time> told_at;
    Time begun{};
    [[nodiscard]] bool was_told(const std::string& print) const {
      return told_firing.contains(print) || in_flight.contains(print);
    }
  };
  [[nodiscard]] std::string key_of(const Alert& alert, collectors::promql::Labels& labels) const;
  [[nodiscard]] std::optional<Time> due_at(const Group& group) const;

  const config::AlertPolicy& policy_;
  bool tell_ends_;
  std::map<std::string, Group> groups_;
};

}  // namespace mete::agent
