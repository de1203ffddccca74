// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "config/policy.h"

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

}  // namespace

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
