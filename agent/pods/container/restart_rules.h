// SPDX-License-Identifier: Apache-2.0
// What a container's extras say about its starts after an end. Pure.
#pragma once

#include "agent/pods/record/pod_record.h"
#include "config/model/pod_spec.h"
#include "enforcers/restart.h"

namespace mete::agent {

// The policy that counts for this end: never, when the starts that OnFailure may make are used up. A container of
// docker whose first start came to nothing is not started again. `spec` null: its manifest is gone.
[[nodiscard]] config::RestartPolicy policy_at_end(const ContainerRecord& record, config::RestartPolicy policy,
                                                  const config::Container* spec);

// Records the end of a container with what follows from it: its rules count first, then the policy. A rule that asks
// for all containers counts unless the pod ends anyway; one that is killed for such a rule has no back-off of its own.
// `policy`: the pod's. exit_code and finished_at are those of this end.
void take_end(PodRecord& pod, ContainerRecord& own, config::RestartPolicy policy, const config::Container* spec,
              const enforcers::BackoffLimits& usual);

// Docker's times, where the container has them; otherwise the usual ones.
[[nodiscard]] enforcers::BackoffLimits backoff_for(const config::Container* spec,
                                                   const enforcers::BackoffLimits& usual);

}  // namespace mete::agent
