// SPDX-License-Identifier: Apache-2.0
#include "agent/alerts/alert_table.h"

#include <algorithm>
#include <map>

#include "runtime/json.h"

namespace mete::agent {
namespace {

namespace promql = collectors::promql;
using nlohmann::json;
using promql::Expression;

std::string joined_names(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all.append(all.empty() ? "" : ", ").append(name);
  return all;
}

// What a recorded value depends on, through the values that it is made of.
struct Reach {
  bool counted = true;
  std::int64_t looks_back = 0;  // ms
};

Reach reach_of(const Expression& expression, const std::map<std::string, Reach, std::less<>>& recorded) {
  Reach reach;
  for (const auto* selector : promql::selectors_of(expression)) {
    if (promql::is_recorded(selector->name)) {
      const auto found = recorded.find(selector->name);
      if (found == recorded.end()) continue;
      reach.counted = reach.counted && found->second.counted;
      reach.looks_back = std::max(reach.looks_back, found->second.looks_back);
      continue;
    }
    const auto& names = counted_families();
    reach.counted = reach.counted && std::find(names.begin(), names.end(), selector->name) != names.end();
    reach.looks_back = std::max(reach.looks_back, selector->range + selector->offset);
  }
  return reach;
}

// Replaces the number that `record` is compared with. False: it is compared with none.
bool set_bound(Expression& expression, std::string_view record, double bound) {
  const auto& parts = expression.parts;
  if (expression.kind == Expression::Kind::kBinary && promql::is_comparison(expression.op) &&
      parts[0]->kind == Expression::Kind::kSelector && parts[0]->selector.name == record &&
      parts[1]->kind == Expression::Kind::kNumber) {
    parts[1]->number = bound;
    return true;
  }
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return set_bound(*part, record, bound); });
}

class TableReader {
 public:
  TableReader(const json& source, const config::AlertPolicy& policy) : source_(source), policy_(policy) {}

  Result<AlertTable> read() {
    METE_CHECK(check_names());
    for (const auto& each : source_.at("values")) METE_CHECK(value(each));
    for (const auto& each : source_.at("alerts")) {
      const auto name = each.at("name").get<std::string>();
      if (std::find(policy_.disable.begin(), policy_.disable.end(), name) != policy_.disable.end()) continue;
      METE_CHECK(rule(each));
    }
    for (const auto& each : table_.values) add_selectors(*each.expression);
    for (const auto& each : table_.rules) add_selectors(*each.expression);
    return std::move(table_);
  }

 private:
  Status check_names() const {
    std::vector<std::string> known;
    for (const auto& each : source_.at("alerts")) known.push_back(each.at("name").get<std::string>());
    const auto check = [&](const std::string& name, const char* where) -> Status {
      if (std::find(known.begin(), known.end(), name) != known.end()) return {};
      return fail(std::string("alerts.") + where + ": found \"" + name + "\", expected one of " + joined_names(known));
    };
    for (const auto& name : policy_.disable) METE_CHECK(check(name, "disable"));
    for (const auto& bound : policy_.bounds) METE_CHECK(check(bound.alert, "bounds"));
    return {};
  }

  Status value(const json& source) {
    AlertValue& value = table_.values.emplace_back();
    value.name = source.at("name").get<std::string>();
    value.record = source.at("record").get<std::string>();
    value.unit = source.at("unit").get<std::string>();
    value.what = source.at("what").get<std::string>();
    value.labels = source.at("labels").get<std::vector<std::string>>();
    METE_TRY(value.expression, expression(value.name, source));
    const Reach reach = reach_of(*value.expression, reaches_);
    value.counted = reach.counted;
    reaches_[value.record] = reach;
    return {};
  }

  Status rule(const json& source) {
    AlertRule& rule = table_.rules.emplace_back();
    rule.name = source.at("name").get<std::string>();
    rule.severity = source.at("severity").get<std::string>();
    rule.labels = source.at("labels").get<std::vector<std::string>>();
    rule.waits = std::chrono::milliseconds(source.at("for").get<std::int64_t>() * 1000 / policy_.speed);
    rule.summary = source.at("summary").get<std::string>();
    rule.advice = source.at("do").get<std::string>();
    rule.runbook = source.at("runbook").get<std::string>();
    for (const auto& each : source.at("inhibits"))
      rule.inhibits.push_back(
          {each.at("alerts").get<std::vector<std::string>>(), each.at("equal").get<std::vector<std::string>>()});
    METE_TRY(rule.expression, expression(rule.name, source));
    METE_CHECK(bounds(rule));
    const Reach reach = reach_of(*rule.expression, reaches_);
    rule.counted = reach.counted;
    rule.looks_back = std::chrono::milliseconds(reach.looks_back);
    for (const auto& number : source.at("numbers")) {
      METE_TRY(const std::size_t index, value_named(number.get<std::string>()));
      rule.numbers.push_back(index);
    }
    return {};
  }

  Status bounds(AlertRule& rule) const {
    for (const auto& bound : policy_.bounds) {
      if (bound.alert != rule.name) continue;
      const auto index = value_named(bound.value);
      if (!index || !set_bound(*rule.expression, table_.values[*index].record, bound.bound))
        return fail("alerts.bounds: " + rule.name + " has no condition on \"" + bound.value +
                    "\", expected one of its values in dashboards/src/alerts.yaml");
    }
    return {};
  }

  [[nodiscard]] Result<std::size_t> value_named(const std::string& name) const {
    const auto found = std::find_if(table_.values.begin(), table_.values.end(),
                                    [&](const AlertValue& value) { return value.name == name; });
    if (found == table_.values.end()) return fail("no value " + name);
    return static_cast<std::size_t>(found - table_.values.begin());
  }

  [[nodiscard]] Result<promql::ExpressionPtr> expression(const std::string& name, const json& source) const {
    auto parsed = promql::parse(source.at("expr").get<std::string>(), policy_.speed);
    if (!parsed) return fail_in(name, parsed.error());
    return parsed;
  }

  void add_selectors(const Expression& expression) {
    const auto more = promql::selectors_of(expression);
    table_.selectors.insert(table_.selectors.end(), more.begin(), more.end());
  }

  const json& source_;
  const config::AlertPolicy& policy_;
  AlertTable table_;
  std::map<std::string, Reach, std::less<>> reaches_;
};

}  // namespace

const std::vector<std::string_view>& counted_families() {
  static const std::vector<std::string_view> kNames = {"mete_oom_kills_total", "mete_container_restarts_total",
                                                       "mete_enforcement_actions_total", "mete_limit_drift_total",
                                                       "up"};
  return kNames;
}

Result<AlertTable> read_alert_table(std::string_view text, const config::AlertPolicy& policy) {
  try {
    return TableReader(json::parse(text), policy).read();
  } catch (const json::exception& error) {
    return fail(std::string("table of alerts: ") + error.what());
  }
}

}  // namespace mete::agent
