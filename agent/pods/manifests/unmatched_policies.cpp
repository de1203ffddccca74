// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/manifests/unmatched_policies.h"

#include <algorithm>
#include <utility>

namespace mete::agent {
namespace {

bool selects(const config::Policy& policy, const config::Pod& pod) {
  return pod.metadata.namespace_ == policy.metadata.namespace_ && config::matches(policy.selector, pod.metadata.labels);
}

}  // namespace

std::vector<std::string> UnmatchedPolicies::see(const config::DesiredState& desired) {
  std::vector<std::string> told;
  std::map<std::string, config::Policy> now;
  for (const auto& policy : desired.policies) {
    if (!policy.selector.cgroups.empty()) continue;
    const std::string name = config::full_name(policy.metadata);
    const auto before = seen_.find(name);
    const bool news = before == seen_.end() || before->second != policy;
    now.emplace(name, policy);
    if (!news) continue;
    const bool any = std::any_of(desired.pods.begin(), desired.pods.end(),
                                 [&](const auto& plan) { return selects(policy, plan->pod); }) ||
                     std::any_of(desired.rejected.begin(), desired.rejected.end(),
                                 [&](const auto& rejected) { return selects(policy, rejected.pod); }) ||
                     std::any_of(desired.workloads.begin(), desired.workloads.end(),
                                 [&](const auto& workload) { return selects(policy, config::template_of(workload)); });
    if (!any)
      told.push_back("policy " + name + " (" + to_string(policy.location) + "): no pod of namespace " +
                     policy.metadata.namespace_ + " has the labels that it selects now");
  }
  seen_ = std::move(now);
  return told;
}

}  // namespace mete::agent
