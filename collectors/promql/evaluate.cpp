// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/evaluate.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "collectors/promql/windows.h"

namespace mete::collectors::promql {
namespace {

using Kind = Expression::Kind;

std::string text_of(const Labels& labels) {
  std::string text = "{";
  for (const auto& [name, value] : labels) {
    if (text.size() > 1) text += ", ";
    text.append(name).append("=\"").append(value).append("\"");
  }
  return text + "}";
}

double compute(Operator op, double left, double right) {
  switch (op) {
    case Operator::kAdd:
      return left + right;
    case Operator::kSubtract:
      return left - right;
    case Operator::kMultiply:
      return left * right;
    default:
      return left / right;
  }
}

bool holds(Operator op, double left, double right) {
  switch (op) {
    case Operator::kEqual:
      return left == right;
    case Operator::kNotEqual:
      return left != right;
    case Operator::kGreater:
      return left > right;
    case Operator::kLess:
      return left < right;
    case Operator::kGreaterOrEqual:
      return left >= right;
    default:
      return left <= right;
  }
}

class Evaluator {
 public:
  explicit Evaluator(const Evaluation& evaluation) : in_(evaluation), labels_(evaluation.store.labels()) {}

  Result<Value> evaluate(const Expression& expression) {
    switch (expression.kind) {
      case Kind::kNumber:
        return Value(expression.number);
      case Kind::kSelector:
        return Value(instant(expression.selector, false));
      case Kind::kCall:
        return call(expression);
      case Kind::kAggregate:
        return aggregate(expression);
      case Kind::kBinary:
        return binary(expression);
    }
    return Value(0.0);
  }

 private:
  Result<Vector> vector(const Expression& expression) {
    METE_TRY(Value value, evaluate(expression));
    return std::get<Vector>(std::move(value));
  }

  // Calls take(series) for each series that the selector matches.
  template <class Take>
  void each_series(const Selector& selector, Take take) {
    const Family* const family = in_.store.family(selector.name);
    if (family == nullptr) return;
    const auto& any_of = family->any_of;
    const auto at = std::find(any_of.begin(), any_of.end(), selector.matchers) - any_of.begin();
    const std::uint32_t bit = 1U << static_cast<unsigned>(at);
    for (const auto& [hash, series] : family->series) {
      if ((series.selectors & bit) != 0) take(*family, series);
    }
  }

  Vector instant(const Selector& selector, bool times) {
    if (is_recorded(selector.name)) {
      const auto found = in_.recorded.find(selector.name);
      return found == in_.recorded.end() ? Vector() : found->second;
    }
    Vector result;
    const Time at = in_.at - selector.offset;
    each_series(selector, [&](const Family& family, const Series& series) {
      const Moments& moments = in_.store.moments(family.lane);
      const std::uint32_t end = moments.after(at);
      if (end == moments.first() || moments.at(end - 1) < at - kLookBack) return;
      if (const auto value = value_at(series.runs, end - 1))
        result.push_back({series.labels, times ? in_.clock + static_cast<double>(moments.at(end - 1)) / 1000 : *value});
    });
    return result;
  }

  Vector windows(const Selector& selector, Function function) {
    Vector result;
    const Time end_at = in_.at - selector.offset;
    const Time begin_at = end_at - selector.range;
    each_series(selector, [&](const Family& family, const Series& series) {
      const Moments& moments = in_.store.moments(family.lane);
      const Window window{moments, series.runs, moments.not_before(begin_at), moments.after(end_at), begin_at, end_at};
      auto value = function == Function::kDeriv ? slope(window) : increase(window);
      if (!value) return;
      if (function == Function::kRate) *value /= static_cast<double>(selector.range) / 1000;
      result.push_back({series.labels, *value});
    });
    return result;
  }

  Result<Value> call(const Expression& expression) {
    const auto& parts = expression.parts;
    switch (expression.function) {
      case Function::kTimestamp: {
        if (parts[0]->kind == Kind::kSelector) return Value(instant(parts[0]->selector, true));
        METE_TRY(Vector of, vector(*parts[0]));
        for (Point& point : of) point.value = in_.clock + static_cast<double>(in_.at) / 1000;
        return Value(std::move(of));
      }
      case Function::kClampMax: {
        METE_TRY(Vector of, vector(*parts[0]));
        METE_TRY(const Value most, evaluate(*parts[1]));
        for (Point& point : of) {
          if (!std::isnan(point.value)) point.value = std::min(point.value, std::get<double>(most));
        }
        return Value(std::move(of));
      }
      case Function::kHistogramQuantile: {
        METE_TRY(const Value share, evaluate(*parts[0]));
        METE_TRY(const Vector of, vector(*parts[1]));
        return Value(quantiles(std::get<double>(share), of));
      }
      default:
        return Value(windows(parts[0]->selector, expression.function));
    }
  }

  Vector quantiles(double share, const Vector& buckets) {
    const ListId without = labels_.list({"le"}, true);
    std::unordered_map<LabelsId, std::vector<std::pair<double, double>>> groups;
    for (const Point& point : buckets) {
      const std::string_view text = labels_.value(point.labels, "le");
      double bound = std::numeric_limits<double>::infinity();
      if (text != "+Inf") {
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), bound);
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) continue;
      }
      groups[labels_.keep(point.labels, without)].emplace_back(bound, point.value);
    }
    Vector result;
    for (auto& [labels, group] : groups) result.push_back({labels, quantile_of_buckets(share, std::move(group))});
    return result;
  }

  Result<Value> aggregate(const Expression& expression) {
    METE_TRY(const Vector of, vector(*expression.parts[0]));
    const ListId by = labels_.list(expression.labels);
    std::unordered_map<LabelsId, double> groups;
    for (const Point& point : of) {
      const bool counts = expression.aggregation == Aggregation::kCount;
      const auto [at, first] = groups.try_emplace(labels_.keep(point.labels, by), counts ? 1 : point.value);
      if (first) continue;
      double& all = at->second;
      switch (expression.aggregation) {
        case Aggregation::kSum:
          all += point.value;
          break;
        case Aggregation::kCount:
          ++all;
          break;
        case Aggregation::kMax:
          if (all < point.value || std::isnan(all)) all = point.value;
          break;
        case Aggregation::kMin:
          if (all > point.value || std::isnan(all)) all = point.value;
          break;
      }
    }
    Vector result;
    for (const auto& [labels, value] : groups) result.push_back({labels, value});
    return Value(std::move(result));
  }

  Result<Value> binary(const Expression& expression) {
    METE_TRY(Value left, evaluate(*expression.parts[0]));
    METE_TRY(Value right, evaluate(*expression.parts[1]));
    const auto* const left_number = std::get_if<double>(&left);
    const auto* const right_number = std::get_if<double>(&right);
    if (left_number != nullptr && right_number != nullptr)
      return Value(compute(expression.op, *left_number, *right_number));
    if (left_number != nullptr)
      return Value(with_number(expression.op, std::get<Vector>(std::move(right)), *left_number, true));
    if (right_number != nullptr)
      return Value(with_number(expression.op, std::get<Vector>(std::move(left)), *right_number, false));
    if (is_set(expression.op)) return Value(set(expression, std::get<Vector>(left), std::get<Vector>(right)));
    return pairs(expression.op, std::get<Vector>(left), std::get<Vector>(right));
  }

  // A filter keeps the vector's value, on whichever side the number stands.
  static Vector with_number(Operator op, Vector of, double number, bool number_first) {
    if (!is_comparison(op)) {
      for (Point& point : of)
        point.value = number_first ? compute(op, number, point.value) : compute(op, point.value, number);
      return of;
    }
    std::erase_if(of, [&](const Point& point) {
      return number_first ? !holds(op, number, point.value) : !holds(op, point.value, number);
    });
    return of;
  }

  Vector set(const Expression& expression, const Vector& left, const Vector& right) {
    const std::optional<ListId> on = expression.on ? std::optional(labels_.list(expression.labels)) : std::nullopt;
    const auto key = [&](const Point& point) { return on ? labels_.keep(point.labels, *on) : point.labels; };
    const bool is_or = expression.op == Operator::kOr;
    std::unordered_set<LabelsId> others;
    for (const Point& point : is_or ? left : right) others.insert(key(point));
    Vector result = is_or ? left : Vector();
    for (const Point& point : is_or ? right : left) {
      if (others.contains(key(point)) == (expression.op == Operator::kAnd)) result.push_back(point);
    }
    return result;
  }

  Result<Value> pairs(Operator op, const Vector& left, const Vector& right) {
    std::unordered_map<LabelsId, double> others;
    for (const Point& point : right) {
      if (!others.emplace(point.labels, point.value).second) return twice("right", point);
    }
    std::unordered_set<LabelsId> met;
    Vector result;
    for (const Point& point : left) {
      const auto other = others.find(point.labels);
      if (other == others.end()) continue;
      if (!met.insert(point.labels).second) return twice("left", point);
      if (!is_comparison(op)) {
        result.push_back({point.labels, compute(op, point.value, other->second)});
      } else if (holds(op, point.value, other->second)) {
        result.push_back(point);
      }
    }
    return Value(std::move(result));
  }

  [[nodiscard]] tl::unexpected<Error> twice(const char* side, const Point& point) const {
    return fail(std::string("found ") + text_of(labels_.labels(point.labels)) + " twice on the " + side +
                " side of an operator, expected one");
  }

  const Evaluation& in_;
  LabelTable& labels_;
};

}  // namespace

Result<Value> evaluate(const Expression& expression, const Evaluation& evaluation) {
  return Evaluator(evaluation).evaluate(expression);
}

Result<Vector> evaluate_rule(const Expression& expression, const Evaluation& evaluation) {
  METE_TRY(Value value, evaluate(expression, evaluation));
  auto* const vector = std::get_if<Vector>(&value);
  if (vector == nullptr) return fail("found a number, expected a vector");
  std::unordered_set<LabelsId> seen;
  for (const Point& point : *vector) {
    if (!seen.insert(point.labels).second)
      return fail("found " + text_of(evaluation.store.labels().labels(point.labels)) + " twice in the result");
  }
  return std::move(*vector);
}

}  // namespace mete::collectors::promql
