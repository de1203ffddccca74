// SPDX-License-Identifier: Apache-2.0
#include "enforcers/oom.h"

#include <algorithm>

#include "config/model/policy_actions.h"

namespace mete::enforcers {

const config::Policy* in_force(const config::Policy* policy) {
  return policy != nullptr && policy->dry_run ? nullptr : policy;
}

std::string_view to_string(OomAction action) {
  return config::to_string(action == OomAction::kKillContainer ? config::OnOom::kKillContainer
                                                               : config::OnOom::kKillProcess);
}

OomAction oom_action(const config::Policy* policy) {
  if (policy == nullptr || !policy->memory.on_oom) return OomAction::kKillContainer;
  const auto& memory = policy->memory;
  const config::OnOom choice =
      memory.on_oom == config::OnOom::kHold && memory.hold ? memory.hold->then : *memory.on_oom;
  return choice == config::OnOom::kKillProcess ? OomAction::kKillProcess : OomAction::kKillContainer;
}

bool decides_before_the_kernel(const config::Policy* policy) {
  policy = in_force(policy);
  if (policy == nullptr || !policy->memory.on_oom) return false;
  return *policy->memory.on_oom == config::OnOom::kHold || *policy->memory.on_oom == config::OnOom::kRaise;
}

Bytes tripwire_of(Bytes limit) {
  constexpr std::int64_t kLeast = 1 << 20;
  const std::int64_t below = std::min(std::max(limit.count() / 32, kLeast), limit.count() / 2);
  return limit - Bytes(below);
}

bool out_of_memory_at(Bytes usage, Bytes reclaimable, Bytes limit) {
  // The kernel keeps usage at memory.high only roughly, and the last pages of cache are the program's own text.
  constexpr Bytes kRoughly(1 << 20);
  const Bytes tripwire = tripwire_of(limit);
  const Bytes below = limit - tripwire;
  return usage >= tripwire - kRoughly && usage - reclaimable >= tripwire - below - kRoughly;
}

OomDecision decide_oom(const OomObservation& seen, const config::Policy* policy) {
  OomDecision decision;
  const bool said = policy != nullptr && policy->memory.on_oom.has_value();
  decision.action = said ? oom_action(policy) : seen.usual_action;
  if (seen.new_kills <= seen.nested_kills) return decision;
  decision.kill_rest = decision.action == OomAction::kKillContainer && seen.processes_left && !seen.kernel_kills_group;
  return decision;
}

}  // namespace mete::enforcers
