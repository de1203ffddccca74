// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_groups.h"

#include <algorithm>
#include <utility>

namespace mete::agent {

std::string AlertGroups::key_of(const Alert& alert, collectors::promql::Labels& labels) const {
  std::string key = alert.label("severity") == "critical" ? "{}/{severity=\"critical\"}:{" : "{}:{";
  for (const auto& name : policy_.group_by) {
    const auto value = alert.label(name);
    if (value.empty()) continue;
    key.append(labels.empty() ? "" : ", ").append(name).append("=\"").append(value).append("\"");
    labels.emplace_back(name, value);
  }
  return key + "}";
}

void AlertGroups::see(const std::vector<const Alert*>& firing, const Inhibited& held_back, AlertMoment now) {
  std::map<std::string, std::set<std::string>> still;  // group to fingerprints
  for (const auto* alert : firing) {
    collectors::promql::Labels labels;
    const std::string key = key_of(*alert, labels);
    const std::string print = fingerprint(alert->labels);
    const bool held = held_back(*alert);
    auto group = groups_.find(key);
    if (held && (group == groups_.end() || !group->second.was_told(print))) continue;
    if (group == groups_.end()) group = groups_.emplace(key, Group{.begun = now.steady}).first;
    if (group->second.labels.empty()) group->second.labels = std::move(labels);
    group->second.alerts.insert_or_assign(print, *alert);
    still[key].insert(print);
  }
  for (auto group = groups_.begin(); group != groups_.end();) {
    auto& alerts = group->second.alerts;
    const auto& now_firing = still[group->first];
    for (auto alert = alerts.begin(); alert != alerts.end();) {
      const bool was_told = group->second.was_told(alert->first);
      if (now_firing.contains(alert->first)) {
        ++alert;
      } else if (was_told && tell_ends_) {
        if (std::exchange(alert->second.firing, false)) alert->second.ended = now.wall;
        ++alert;
      } else {
        group->second.told_firing.erase(alert->first);
        alert = alerts.erase(alert);
      }
    }
    group = alerts.empty() ? groups_.erase(group) : std::next(group);
  }
}

std::optional<AlertGroups::Time> AlertGroups::due_at(const Group& group) const {
  const auto after = [](Time time, std::chrono::nanoseconds wait) {
    return time + std::chrono::duration_cast<std::chrono::steady_clock::duration>(wait);
  };
  bool any_firing = false;
  bool changed = false;
  for (const auto& [print, alert] : group.alerts) {
    any_firing = any_firing || alert.firing;
    // One that has ended is here only because its beginning was told.
    changed = changed || !alert.firing || !group.told_firing.contains(print);
  }
  if (!group.told_at) return after(group.begun, policy_.group_wait);
  if (changed) return after(*group.told_at, policy_.group_interval);
  if (any_firing) return after(*group.told_at, policy_.repeat_interval);
  return std::nullopt;
}

std::optional<AlertGroups::Time> AlertGroups::next_due() const {
  std::optional<Time> first;
  for (const auto& [key, group] : groups_) {
    const auto at = due_at(group);
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

std::optional<AlertMessage> AlertGroups::due(Time now) const {
  const auto first = next_due();
  if (!first || *first > now) return std::nullopt;
  for (const auto& [key, group] : groups_) {
    if (due_at(group) != first) continue;
    AlertMessage message{key, group.labels, {}};
    for (const auto& [print, alert] : group.alerts) message.alerts.push_back(alert);
    return message;
  }
  return std::nullopt;
}

void AlertGroups::sending(const AlertMessage& message) {
  const auto found = groups_.find(message.group);
  if (found == groups_.end()) return;
  for (const auto& alert : message.alerts) {
    if (alert.firing) found->second.in_flight.insert(fingerprint(alert.labels));
  }
}

void AlertGroups::not_told(const AlertMessage& message) {
  const auto found = groups_.find(message.group);
  if (found == groups_.end()) return;
  Group& group = found->second;
  group.in_flight.clear();
  std::erase_if(group.alerts,
                [&](const auto& each) { return !each.second.firing && !group.told_firing.contains(each.first); });
  if (group.alerts.empty()) groups_.erase(found);
}

void AlertGroups::told(const AlertMessage& message, Time now) {
  const auto found = groups_.find(message.group);
  if (found == groups_.end()) return;
  Group& group = found->second;
  group.in_flight.clear();
  group.told_at = now;
  group.told_firing.clear();
  for (const auto& alert : message.alerts) {
    std::string print = fingerprint(alert.labels);
    if (alert.firing) {
      group.told_firing.insert(std::move(print));
      continue;
    }
    const auto at = group.alerts.find(print);
    if (at != group.alerts.end() && !at->second.firing) group.alerts.erase(at);
  }
  if (group.alerts.empty()) groups_.erase(found);
}

std::vector<AlertGroups::Told> AlertGroups::told() const {
  std::vector<Told> all;
  for (const auto& [key, group] : groups_) {
    if (group.told_at) all.push_back({key, group.told_firing, *group.told_at});
  }
  return all;
}

void AlertGroups::restore(Told told) {
  Group& group = groups_[told.group];
  group.told_firing = std::move(told.firing);
  group.told_at = told.at;
}

}  // namespace mete::agent
