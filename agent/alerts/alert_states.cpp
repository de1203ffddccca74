// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_states.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace mete::agent {
namespace {

using collectors::promql::Labels;

std::string_view value_of(const Labels& labels, std::string_view name) {
  for (const auto& [each, value] : labels) {
    if (each == name) return value;
  }
  return {};
}

std::string held_key(const std::string& name, const std::vector<std::string>& equal, const Alert& of) {
  std::string key = name;
  for (const auto& label : equal) key.append("\n").append(label).append("=").append(of.label(label));
  return key;
}

}  // namespace

std::string_view Alert::label(std::string_view name) const {
  return value_of(labels, name);
}

// FNV-1a, 64 bit: name, byte 0xff, value, byte 0xff, sorted by name.
std::string fingerprint(const Labels& labels) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xffU) * 0x100000001b3ULL;
  };
  for (const auto& [name, value] : labels) {
    add(name);
    add(value);
  }
  std::array<char, 17> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

std::string filled_in(std::string_view text, const Labels& labels) {
  std::string filled;
  while (!text.empty()) {
    const auto open = text.find('{');
    const auto close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) return filled.append(text);
    filled.append(text.substr(0, open)).append(value_of(labels, text.substr(open + 1, close - open - 1)));
    text.remove_prefix(close + 1);
  }
  return filled;
}

Labels AlertStates::labels_of(const AlertFound& found) const {
  const AlertRule& rule = table_.rules[found.rule];
  std::map<std::string, std::string> all(more_.begin(), more_.end());
  for (const auto& [name, value] : found.labels) all[name] = value;
  all["alertname"] = rule.name;
  all["severity"] = rule.severity;
  return {all.begin(), all.end()};
}

AlertStates::Changes AlertStates::see(const AlertsFound& found, AlertMoment now) {
  Changes changes;
  std::set<Labels> holding;
  for (const auto& each : found.found) {
    Labels labels = labels_of(each);
    auto at = alerts_.find(labels);
    if (at == alerts_.end()) {
      if (alerts_.size() >= kMost) {
        ++changes.left_out;
        continue;
      }
      at = alerts_.emplace(labels, Alert{.rule = each.rule, .labels = labels, .since = now}).first;
    }
    holding.insert(std::move(labels));
    Alert& alert = at->second;
    const AlertRule& rule = table_.rules[each.rule];
    alert.value = each.value;
    alert.summary = filled_in(rule.summary, each.labels);
    alert.numbers = each.numbers;
    alert.kept_until = {};
    if (alert.firing || now.steady - alert.since.steady < rule.waits) continue;
    alert.firing = true;
    alert.fired = now.wall;
    changes.fired.push_back(alert);
  }
  for (auto at = alerts_.begin(); at != alerts_.end();) {
    Alert& alert = at->second;
    const bool evaluated = found.all || table_.rules[alert.rule].counted;
    if (!evaluated || holding.contains(at->first) || now.steady < alert.kept_until) {
      ++at;
      continue;
    }
    if (alert.firing) {
      alert.ended = now.wall;
      changes.resolved.push_back(std::move(alert));
    }
    at = alerts_.erase(at);
  }
  return changes;
}

void AlertStates::restore(Alert alert, AlertMoment now) {
  const auto name = alert.label("alertname");
  const auto rule =
      std::find_if(table_.rules.begin(), table_.rules.end(), [&](const AlertRule& each) { return each.name == name; });
  if (rule == table_.rules.end() || alerts_.size() >= kMost) return;
  alert.rule = static_cast<std::size_t>(rule - table_.rules.begin());
  alert.firing = true;
  alert.since.steady = now.steady;
  alert.kept_until = now.steady + rule->looks_back;
  Labels labels = alert.labels;
  alerts_.emplace(std::move(labels), std::move(alert));
}

std::vector<const Alert*> AlertStates::firing() const {
  std::vector<const Alert*> list;
  for (const auto& [labels, alert] : alerts_) {
    if (alert.firing) list.push_back(&alert);
  }
  return list;
}

std::vector<const Alert*> AlertStates::all() const {
  std::vector<const Alert*> list;
  for (const auto& [labels, alert] : alerts_) list.push_back(&alert);
  return list;
}

Inhibited::Inhibited(const std::vector<const Alert*>& firing, const AlertTable& table) : table_(table) {
  for (const auto* cause : firing) {
    for (const auto& inhibition : table.rules[cause->rule].inhibits) {
      for (const auto& name : inhibition.alerts) held_.insert(held_key(name, inhibition.equal, *cause));
    }
  }
}

bool Inhibited::operator()(const Alert& alert) const {
  if (held_.empty()) return false;
  const auto& name = table_.rules[alert.rule].name;
  for (const auto& rule : table_.rules) {
    for (const auto& inhibition : rule.inhibits) {
      const auto& names = inhibition.alerts;
      if (std::find(names.begin(), names.end(), name) != names.end() &&
          held_.contains(held_key(name, inhibition.equal, alert)))
        return true;
    }
  }
  return false;
}

}  // namespace mete::agent
