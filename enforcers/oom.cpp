// SPDX-License-Identifier: Apache-2.0
#include "enforcers/oom.h"

namespace mete::enforcers {

std::string_view to_string(OomAction action) {
  return action == OomAction::kKillContainer ? "kill-container" : "kill-process";
}

OomAction oom_action(const config::Policy* policy) {
  if (policy == nullptr || !policy->memory.on_oom) return OomAction::kKillContainer;
  return *policy->memory.on_oom == config::OnOom::kKillProcess ? OomAction::kKillProcess : OomAction::kKillContainer;
}

OomDecision decide_oom(const OomObservation& seen, const config::Policy* policy) {
  OomDecision decision;
  decision.action = oom_action(policy);
  if (seen.kills_now <= seen.kills_before) return decision;
  decision.new_kills = seen.kills_now - seen.kills_before;
  if (decision.action != OomAction::kKillContainer || !seen.processes_left || seen.kernel_kills_group) return decision;
  if (policy != nullptr && policy->dry_run) {
    decision.outcome = OomOutcome::kDryRun;
  } else {
    decision.kill_rest = true;
    decision.outcome = OomOutcome::kDone;
  }
  return decision;
}

}  // namespace mete::enforcers
