// SPDX-License-Identifier: Apache-2.0
// Evaluates expressions on a SampleStore, with the semantics of Prometheus 2.42: extrapolation of rate() and
// increase(), counter resets, staleness, a look back of five minutes. tests/peers/builtin_alerts_promql_test.py holds
// it to promtool's results.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "collectors/promql/store.h"
#include "config/base/result.h"

namespace mete::collectors::promql {

inline constexpr Time kLookBack = 5 * 60 * 1000;

struct Point {
  LabelsId labels;
  double value;
};
using Vector = std::vector<Point>;
using Value = std::variant<double, Vector>;
// Of the rules evaluated so far, by the names that they record.
using Recorded = std::map<std::string, Vector, std::less<>>;

struct Evaluation {
  SampleStore& store;
  const Recorded& recorded;
  Time at = 0;
  double clock = 0;  // seconds since 1970 at time 0 of the store: for timestamp()
};

// The error names what cannot be computed: labels that meet twice on one side of an operator.
[[nodiscard]] Result<Value> evaluate(const Expression& expression, const Evaluation& evaluation);

// What a rule records: an error when two of its results have the same labels, or when it is a number.
[[nodiscard]] Result<Vector> evaluate_rule(const Expression& expression, const Evaluation& evaluation);

}  // namespace mete::collectors::promql
