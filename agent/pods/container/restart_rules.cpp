// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/restart_rules.h"

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

}  // namespace mete::agent
