// SPDX-License-Identifier: Apache-2.0
// The table of alerts that is made from dashboards/src/alerts.yaml, with the changes that agent.yaml asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collectors/promql/expression.h"
#include "config/base/result.h"
#include "config/model/agent_config.h"

namespace mete::agent {

struct AlertValue {
  std::string name, record, unit, what;
  std::vector<std::string> labels;
  collectors::promql::ExpressionPtr expression;
  bool counted = false;  // made of what the agent itself counts, and of nothing that is read from the kernel
};

struct Inhibition {
  std::vector<std::string> alerts;  // held back while this one fires and these labels are equal
  std::vector<std::string> equal;
};

struct AlertRule {
  std::string name, severity;
  std::vector<std::string> labels;
  std::chrono::milliseconds waits{0};
  collectors::promql::ExpressionPtr expression;
  std::string summary;               // {label} stands for the label's value
  std::vector<std::size_t> numbers;  // indexes of values
  std::string advice, runbook;
  std::vector<Inhibition> inhibits;
  bool counted = false;                     // all of its values are
  std::chrono::milliseconds looks_back{0};  // how long ago a sample can be that it depends on
};

struct AlertTable {
  std::vector<AlertValue> values;  // in the order in which they are evaluated
  std::vector<AlertRule> rules;
  std::vector<const collectors::promql::Selector*> selectors;  // of all expressions
};

// Families that the agent counts itself: known at once when something happened, without a reading of the kernel.
[[nodiscard]] const std::vector<std::string_view>& counted_families();

[[nodiscard]] std::string_view builtin_alert_table();

// Alerts of `policy.disable` are left out, bounds replaced, windows and waits shortened. The error names an alert or
// value that there is not, with those that there are, or what is wrong in `json`.
[[nodiscard]] Result<AlertTable> read_alert_table(std::string_view json, const config::AlertPolicy& policy);

}  // namespace mete::agent
