// SPDX-License-Identifier: Apache-2.0
#include "enforcers/cgroup_policies.h"

#include <algorithm>
#include <optional>

#include "collectors/discovery/export_policy.h"

namespace mete::enforcers {
namespace {

// The specificity of the most specific matching glob; empty: none matches.
std::optional<std::size_t> weight_of(const config::Policy& policy, std::string_view path) {
  std::optional<std::size_t> best;
  for (const auto& glob : policy.selector.cgroups) {
    if (!collectors::matches(glob, path)) continue;
    const auto said = glob.size() - static_cast<std::size_t>(std::count_if(
                                        glob.begin(), glob.end(), [](char c) { return c == '*' || c == '?'; }));
    best = std::max(best.value_or(0), said);
  }
  return best;
}

}  // namespace

Result<const config::Policy*> policy_of_cgroup(std::span<const config::Policy> policies, std::string_view path) {
  const config::Policy* best = nullptr;
  const config::Policy* rival = nullptr;
  std::size_t most = 0;
  for (const auto& policy : policies) {
    const auto weight = weight_of(policy, path);
    if (!weight || (best != nullptr && *weight < most)) continue;
    rival = best != nullptr && *weight == most ? best : nullptr;
    best = &policy;
    most = *weight;
  }
  if (rival == nullptr) return best;
  return fail(
      "cgroup " + std::string(path) + ": the policies `" + config::full_name(rival->metadata) + "` (" +
      to_string(rival->location) + ") and `" + config::full_name(best->metadata) + "` (" + to_string(best->location) +
      ") select it by patterns that say equally much, expected one that says more than the other; neither is applied");
}

}  // namespace mete::enforcers
