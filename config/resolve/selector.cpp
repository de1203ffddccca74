// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "config/model/policy.h"
#include "config/model/selector_text.h"
#include "config/values/names.h"

namespace mete::config {
namespace {

// Kubernetes' rules: NotIn and DoesNotExist also hold for a Pod without the label.
bool holds(const LabelExpression& expression, const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(expression.key);
  const bool there = label != labels.end();
  const bool listed =
      there && std::find(expression.values.begin(), expression.values.end(), label->second) != expression.values.end();
  switch (expression.op) {
    case LabelOperator::kIn:
      return listed;
    case LabelOperator::kNotIn:
      return !listed;
    case LabelOperator::kExists:
      return there;
    case LabelOperator::kDoesNotExist:
      return !there;
  }
  return false;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// At commas outside of parentheses.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : ',';
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (c != ',' || (depth > 0 && i < text.size())) continue;
    parts.push_back(trim(text.substr(start, i - start)));
    start = i + 1;
  }
  return parts;
}

Result<LabelExpression> checked(std::string_view key, LabelOperator op, const std::vector<std::string_view>& values) {
  LabelExpression expression{std::string(trim(key)), op, {}};
  METE_CHECK(check_label_key(expression.key));
  for (const auto value : values) {
    expression.values.emplace_back(trim(value));
    METE_CHECK(check_label_value(expression.values.back()));
  }
  return expression;
}

// "key in (a,b)" and "key notin (a,b)"; empty: it is neither.
std::optional<Result<LabelExpression>> parse_set(std::string_view part) {
  const auto open = part.find('(');
  if (open == std::string_view::npos || part.back() != ')') return std::nullopt;
  std::string_view head = trim(part.substr(0, open));
  const bool inside = head.ends_with(" in");
  if (!inside && !head.ends_with(" notin")) return std::nullopt;
  head.remove_suffix(inside ? 3 : 6);
  return checked(head, inside ? LabelOperator::kIn : LabelOperator::kNotIn,
                 split(part.substr(open + 1, part.size() - open - 2)));
}

Result<LabelExpression> parse_part(std::string_view part) {
  if (auto set = parse_set(part)) return std::move(*set);
  const auto equals = part.find('=');
  if (equals == std::string_view::npos) {
    const bool absent = part.starts_with('!');
    return checked(absent ? part.substr(1) : part, absent ? LabelOperator::kDoesNotExist : LabelOperator::kExists, {});
  }
  const bool differs = equals > 0 && part[equals - 1] == '!';
  const bool twice = part.substr(equals).starts_with("==");
  return checked(part.substr(0, equals - (differs ? 1 : 0)), differs ? LabelOperator::kNotIn : LabelOperator::kIn,
                 {part.substr(equals + (twice ? 2 : 1))});
}

}  // namespace

Result<Selector> parse_selector(std::string_view text) {
  Selector selector;
  for (const auto part : split(text)) {
    auto expression = parse_part(part);
    if (!expression) return fail_in("selector \"" + std::string(text) + "\"", expression.error());
    selector.match_expressions.push_back(std::move(*expression));
  }
  return selector;
}

bool matches(const Selector& selector, const std::map<std::string, std::string>& labels) {
  if (selector.match_labels.empty() && selector.match_expressions.empty()) return false;
  const auto has = [&](const auto& wanted) {
    const auto label = labels.find(wanted.first);
    return label != labels.end() && label->second == wanted.second;
  };
  return std::all_of(selector.match_labels.begin(), selector.match_labels.end(), has) &&
         std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const auto& expression) { return holds(expression, labels); });
}

}  // namespace mete::config
