// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/failure_rule.h"

#include <algorithm>

namespace mete::agent {
namespace {

// What of the pod meets the rule; empty: nothing.
std::string finding(const config::JobSpec& spec, const config::FailureRule& rule, const Child& failed) {
  const std::string pod = spec.pod.metadata.namespace_ + "/" + failed.name;
  if (!rule.exit_codes) {
    const auto type = std::find_if(rule.conditions.begin(), rule.conditions.end(), [&](const std::string& each) {
      return std::find(failed.conditions.begin(), failed.conditions.end(), each) != failed.conditions.end();
    });
    return type == rule.conditions.end() ? std::string() : "Pod " + pod + " has condition " + *type;
  }
  for (const auto& end : failed.ends) {
    if (end.exit_code == 0 || (!rule.container.empty() && rule.container != end.container)) continue;
    if (rule.values.contains(end.exit_code) == rule.not_in) continue;
    return "Container " + end.container + " for pod " + pod + " failed with exit code " + std::to_string(end.exit_code);
  }
  return {};
}

}  // namespace

MetFailureRule met_failure_rule(const config::JobSpec& spec, const Child& failed) {
  for (std::size_t i = 0; i < spec.failure_rules.size(); ++i) {
    const auto& rule = spec.failure_rules[i];
    std::string found = finding(spec, rule, failed);
    if (!found.empty()) return {&rule, std::move(found) + " matching FailJob rule at index " + std::to_string(i)};
  }
  return {};
}

}  // namespace mete::agent
