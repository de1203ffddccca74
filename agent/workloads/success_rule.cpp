// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/success_rule.h"

#include <algorithm>

namespace mete::agent {

int met_rule(const config::JobSpec& spec, const std::set<int>& completed) {
  for (std::size_t i = 0; i < spec.success_rules.size(); ++i) {
    const auto& rule = spec.success_rules[i];
    std::size_t done = completed.size();
    std::size_t all = static_cast<std::size_t>(spec.completions.value_or(0));
    if (rule.indexes) {
      all = rule.indexes->size();
      done = static_cast<std::size_t>(std::count_if(rule.indexes->begin(), rule.indexes->end(),
                                                    [&](int index) { return completed.contains(index); }));
    }
    if (done >= (rule.count ? static_cast<std::size_t>(*rule.count) : all)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace mete::agent
