// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "collectors/promql/expression.h"
#include "collectors/promql/lexer.h"

namespace mete::collectors::promql {
namespace {

using Kind = Expression::Kind;

struct FunctionRow {
  std::string_view name;
  Function function;
  std::string_view arguments;  // r: a range, v: an instant vector, n: a number
};
constexpr std::array kFunctions = std::to_array<FunctionRow>({
    {"rate", Function::kRate, "r"},
    {"increase", Function::kIncrease, "r"},
    {"deriv", Function::kDeriv, "r"},
    {"clamp_max", Function::kClampMax, "vn"},
    {"histogram_quantile", Function::kHistogramQuantile, "nv"},
    {"timestamp", Function::kTimestamp, "v"},
});
constexpr std::array kAggregations = std::to_array<std::pair<std::string_view, Aggregation>>({
    {"sum", Aggregation::kSum},
    {"min", Aggregation::kMin},
    {"max", Aggregation::kMax},
    {"count", Aggregation::kCount},
});
struct OperatorRow {
  std::string_view sign;
  Operator op;
  int binds;  // the higher, the tighter
};
constexpr std::array kOperators = std::to_array<OperatorRow>({
    {"or", Operator::kOr, 1},
    {"and", Operator::kAnd, 2},
    {"unless", Operator::kUnless, 2},
    {"==", Operator::kEqual, 3},
    {"!=", Operator::kNotEqual, 3},
    {">=", Operator::kGreaterOrEqual, 3},
    {"<=", Operator::kLessOrEqual, 3},
    {">", Operator::kGreater, 3},
    {"<", Operator::kLess, 3},
    {"+", Operator::kAdd, 4},
    {"-", Operator::kSubtract, 4},
    {"*", Operator::kMultiply, 5},
    {"/", Operator::kDivide, 5},
});
constexpr int kLoosest = 1;
constexpr int kMostDeep = 64;

ExpressionPtr make(Kind kind) {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  return made;
}

bool is_range(const Expression& expression) {
  return expression.kind == Kind::kSelector && expression.selector.range > 0;
}

class Parser {
 public:
  Parser(std::string_view text, std::int64_t speed) : lexer_(text), speed_(speed) {}

  Result<ExpressionPtr> whole() {
    METE_CHECK(advance());
    METE_TRY(ExpressionPtr all, binary(kLoosest));
    if (word_.kind != Word::Kind::kEnd) return wrong("an operator or the end");
    if (is_range(*all)) return fail("found a range at the top, expected a function around it");
    return all;
  }

 private:
  Status advance() {
    METE_TRY(word_, lexer_.next());
    return {};
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& expected) const {
    const std::string found = word_.kind == Word::Kind::kEnd ? "the end" : "\"" + word_.text + "\"";
    return fail("column " + std::to_string(word_.column) + ": found " + found + ", expected " + expected);
  }
  Status expect(std::string_view sign) {
    if (!word_.is(sign)) return wrong("\"" + std::string(sign) + "\"");
    return advance();
  }
  [[nodiscard]] const OperatorRow* operator_here() const {
    const auto* const found =
        std::find_if(kOperators.begin(), kOperators.end(), [&](const OperatorRow& row) { return word_.is(row.sign); });
    return found == kOperators.end() ? nullptr : found;
  }

  // Operators that bind at least as tightly as `least`; all of them take the left side first.
  Result<ExpressionPtr> binary(int least) {
    METE_TRY(ExpressionPtr left, unary());
    for (const auto* row = operator_here(); row != nullptr && row->binds >= least; row = operator_here()) {
      auto made = make(Kind::kBinary);
      made->op = row->op;
      const std::size_t column = word_.column;
      METE_CHECK(advance());
      METE_CHECK(matching(*made));
      METE_TRY(ExpressionPtr right, binary(row->binds + 1));
      METE_CHECK(check_sides(*row, column, *left, *right));
      made->parts.push_back(std::move(left));
      made->parts.push_back(std::move(right));
      left = std::move(made);
    }
    return left;
  }

  static Status check_sides(const OperatorRow& row, std::size_t column, const Expression& left,
                            const Expression& right) {
    const std::string at = "column " + std::to_string(column) + ": ";
    if (is_range(left) || is_range(right)) return fail(at + "found a range beside an operator, expected a function");
    if (is_set(row.op) && (left.is_scalar() || right.is_scalar()))
      return fail(at + "found a number beside " + std::string(row.sign) + ", expected vectors");
    if (is_comparison(row.op) && left.is_scalar() && right.is_scalar())
      return fail(at + "found two numbers, expected a vector on one side at least");
    return {};
  }

  Status matching(Expression& made) {
    if (word_.is("bool") || word_.is("ignoring")) return wrong("a filter with or without on (...)");
    if (!word_.is("on")) return {};
    if (!is_set(made.op)) return wrong("no on (...): it is known for and, or and unless only");
    METE_CHECK(advance());
    made.on = true;
    METE_CHECK(names(made.labels));
    if (word_.is("group_left") || word_.is("group_right")) return wrong("a vector");
    return {};
  }

  Result<ExpressionPtr> unary() {
    if (++depth_ > kMostDeep) return fail("found more than 64 levels, expected fewer");
    auto made = primary();
    --depth_;
    return made;
  }

  Result<ExpressionPtr> primary() {
    if (word_.is("-")) {
      METE_CHECK(advance());
      METE_TRY(ExpressionPtr inner, unary());
      if (is_range(*inner)) return fail("found - before a range, expected a function around it");
      auto zero_less = make(Kind::kBinary);
      zero_less->op = Operator::kMultiply;
      auto minus = make(Kind::kNumber);
      minus->number = -1;
      zero_less->parts.push_back(std::move(minus));
      zero_less->parts.push_back(std::move(inner));
      return zero_less;
    }
    if (word_.kind == Word::Kind::kNumber) {
      auto made = make(Kind::kNumber);
      made->number = word_.number;
      METE_CHECK(advance());
      return made;
    }
    if (word_.is("(")) {
      METE_CHECK(advance());
      METE_TRY(ExpressionPtr inner, binary(kLoosest));
      METE_CHECK(expect(")"));
      return inner;
    }
    if (word_.kind != Word::Kind::kName || operator_here() != nullptr) return wrong("a value");
    return named();
  }

  Result<ExpressionPtr> named() {
    const Word name = word_;
    METE_CHECK(advance());
    for (const auto& [text, aggregation] : kAggregations) {
      if (name.text == text && (word_.is("(") || word_.is("by") || word_.is("without"))) return aggregate(aggregation);
    }
    if (!word_.is("(")) return selector(name.text);
    for (const auto& row : kFunctions) {
      if (name.text == row.name) return call(row);
    }
    return fail("column " + std::to_string(name.column) + ": found the function " + name.text +
                ", expected one that the table of alerts uses");
  }

  Result<ExpressionPtr> aggregate(Aggregation aggregation) {
    auto made = make(Kind::kAggregate);
    made->aggregation = aggregation;
    if (!word_.is("by")) return wrong("by (LABEL, ...)");
    METE_CHECK(advance());
    METE_CHECK(names(made->labels));
    METE_CHECK(expect("("));
    METE_TRY(ExpressionPtr inner, binary(kLoosest));
    if (inner->is_scalar() || is_range(*inner)) return wrong("an instant vector before it");
    METE_CHECK(expect(")"));
    made->parts.push_back(std::move(inner));
    return made;
  }

  Result<ExpressionPtr> call(const FunctionRow& row) {
    auto made = make(Kind::kCall);
    made->function = row.function;
    METE_CHECK(expect("("));
    for (std::size_t i = 0; i < row.arguments.size(); ++i) {
      if (i > 0) METE_CHECK(expect(","));
      METE_TRY(ExpressionPtr part, binary(kLoosest));
      const char kind = is_range(*part) ? 'r' : part->is_scalar() ? 'n' : 'v';
      if (kind != row.arguments[i]) {
        const char* const expected = row.arguments[i] == 'r'   ? "a range such as [5m]"
                                     : row.arguments[i] == 'n' ? "a number"
                                                               : "an instant vector";
        return wrong(std::string(expected) + " before it, as " + std::string(row.name) + " takes");
      }
      made->parts.push_back(std::move(part));
    }
    METE_CHECK(expect(")"));
    return made;
  }

  Status names(std::vector<std::string>& to) {
    METE_CHECK(expect("("));
    while (!word_.is(")")) {
      if (!to.empty()) METE_CHECK(expect(","));
      if (word_.kind != Word::Kind::kName) return wrong("the name of a label");
      to.push_back(word_.text);
      METE_CHECK(advance());
    }
    return advance();
  }

  Result<ExpressionPtr> selector(const std::string& name) {
    auto made = make(Kind::kSelector);
    Selector& selector = made->selector;
    selector.name = name;
    if (word_.is("{")) METE_CHECK(matchers(selector.matchers));
    if (word_.is("[")) {
      METE_CHECK(advance());
      METE_TRY(selector.range, duration());
      METE_CHECK(expect("]"));
    }
    if (word_.is("offset")) {
      METE_CHECK(advance());
      METE_TRY(selector.offset, duration());
    }
    if (is_recorded(name) && (selector.range > 0 || selector.offset > 0 || !selector.matchers.empty()))
      return fail("found a range, an offset or labels of the recorded " + name + ", expected its name alone");
    return made;
  }

  Status matchers(std::vector<Matcher>& to) {
    METE_CHECK(expect("{"));
    while (!word_.is("}")) {
      if (!to.empty()) METE_CHECK(expect(","));
      if (word_.kind != Word::Kind::kName) return wrong("the name of a label");
      Matcher& matcher = to.emplace_back();
      matcher.label = word_.text;
      METE_CHECK(advance());
      if (!word_.is("=") && !word_.is("!=")) return wrong("= or !=");
      matcher.equal = word_.is("=");
      METE_CHECK(advance());
      if (word_.kind != Word::Kind::kText) return wrong("a text in quotes");
      matcher.text = word_.text;
      METE_CHECK(advance());
    }
    return advance();
  }

  Result<std::int64_t> duration() {
    if (word_.kind != Word::Kind::kDuration || word_.length <= 0) return wrong("a duration such as 5m");
    const std::int64_t length = std::max<std::int64_t>(1, word_.length / speed_);
    METE_CHECK(advance());
    return length;
  }

  Lexer lexer_;
  std::int64_t speed_;
  Word word_;
  int depth_ = 0;
};

}  // namespace

Result<ExpressionPtr> parse(std::string_view text, std::int64_t speed) {
  return Parser(text, speed).whole();
}

}  // namespace mete::collectors::promql
