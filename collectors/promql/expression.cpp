// SPDX-License-Identifier: Apache-2.0
#include "collectors/promql/expression.h"

namespace mete::collectors::promql {
namespace {

void collect(const Expression& expression, std::vector<const Selector*>& to) {
  if (expression.kind == Expression::Kind::kSelector) to.push_back(&expression.selector);
  for (const auto& part : expression.parts) collect(*part, to);
}

}  // namespace

bool Expression::is_scalar() const {
  if (kind == Kind::kNumber) return true;
  return kind == Kind::kBinary && parts[0]->is_scalar() && parts[1]->is_scalar();
}

std::vector<const Selector*> selectors_of(const Expression& expression) {
  std::vector<const Selector*> all;
  collect(expression, all);
  return all;
}

}  // namespace mete::collectors::promql
