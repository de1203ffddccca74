// SPDX-License-Identifier: Apache-2.0
// The part of PromQL that dashboards/src/alerts.yaml uses, as a tree. Selectors with = and !=, ranges and offsets;
// rate, increase, deriv, clamp_max, histogram_quantile, timestamp; sum, min, max, count by (...); + - * /,
// comparisons that filter; and, or, unless with on (...). Everything else is an error that says so: an alert that means
// something else than in Prometheus would be worse than none. Source: Prometheus 2.42, querying basics and operators.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::collectors::promql {

struct Matcher {
  std::string label;
  bool equal = true;  // =, or !=
  std::string text;   // an absent label is the empty text
  bool operator==(const Matcher&) const = default;
};

struct Selector {
  std::string name;
  std::vector<Matcher> matchers;
  std::int64_t range = 0;   // ms; 0: an instant
  std::int64_t offset = 0;  // ms
};

enum class Function : std::uint8_t { kRate, kIncrease, kDeriv, kClampMax, kHistogramQuantile, kTimestamp };
enum class Aggregation : std::uint8_t { kSum, kMin, kMax, kCount };
enum class Operator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kEqual,
  kNotEqual,
  kGreater,
  kLess,
  kGreaterOrEqual,
  kLessOrEqual,
  kAnd,
  kOr,
  kUnless,
};
[[nodiscard]] constexpr bool is_comparison(Operator op) {
  return op >= Operator::kEqual && op <= Operator::kLessOrEqual;
}
[[nodiscard]] constexpr bool is_set(Operator op) {
  return op >= Operator::kAnd;
}

struct Expression {
  enum class Kind : std::uint8_t { kNumber, kSelector, kCall, kAggregate, kBinary };
  Kind kind = Kind::kNumber;
  double number = 0;
  Selector selector;
  Function function = Function::kRate;
  Aggregation aggregation = Aggregation::kSum;
  Operator op = Operator::kAdd;
  std::vector<std::string> labels;  // of `by`, or of `on`
  bool on = false;                  // there is an `on`
  std::vector<std::unique_ptr<Expression>> parts;

  [[nodiscard]] bool is_scalar() const;
};
using ExpressionPtr = std::unique_ptr<Expression>;

// `speed`: windows and offsets become so many times shorter. The error names the column, what was found and what was
// expected.
[[nodiscard]] Result<ExpressionPtr> parse(std::string_view text, std::int64_t speed = 1);

// All selectors, in the order of the text.
[[nodiscard]] std::vector<const Selector*> selectors_of(const Expression& expression);

// A name with a colon is that of a recorded value, by Prometheus' convention for rules.
[[nodiscard]] inline bool is_recorded(std::string_view name) {
  return name.find(':') != std::string_view::npos;
}

}  // namespace mete::collectors::promql
