// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/restart_rules.h"

#include "agent/pods/status/pod_logic.h"

namespace mete::agent {

config::RestartPolicy policy_at_end(const ContainerRecord& record, config::RestartPolicy policy,
                                    const config::Container* spec) {
  if (spec == nullptr || !spec->extras->prompt_restarts) return policy;
  const auto& most = spec->extras->most_restarts;
  const bool used_up = most && policy == config::RestartPolicy::kOnFailure && record.restarts_in_row >= *most;
  const bool never_ran = record.reason == "StartError" && record.restarts_in_row == 0;
  return used_up || never_ran ? config::RestartPolicy::kNever : policy;
}

enforcers::BackoffLimits backoff_for(const config::Container* spec, const enforcers::BackoffLimits& usual) {
  if (spec == nullptr || !spec->extras->prompt_restarts) return usual;
  return {.first = std::chrono::milliseconds(100),
          .longest = std::chrono::minutes(1),
          .reset_after = std::chrono::seconds(10)};
}

void take_end(PodRecord& pod, ContainerRecord& own, config::RestartPolicy policy, const config::Container* spec,
              const enforcers::BackoffLimits& usual) {
  const bool ends = pod.terminating || pod.stopped || !pod.reason.empty() || is_finished(pod);
  const auto action = spec == nullptr ? std::nullopt : action_of_rules(spec->restart_rules, own.exit_code);
  const auto backoff = own.backoff;
  note_end(own, policy_at_end(own, policy, spec), action.has_value(), backoff_for(spec, usual));
  if (pod.restarting.holds) {
    own.backoff = backoff;
    own.next_start = {};
  } else if (action == config::RestartAction::kRestartAll && !ends) {
    restart_all(pod, own.name, own.finished_at);
  }
}

}  // namespace mete::agent
