// SPDX-License-Identifier: Apache-2.0
// What a pod does next, as a pure function of its record: which containers are started now, when to look again, and
// which phase it is in. The pod (pod.h) carries it out.
//
//   waiting --start--> starting --> running --ends--> waiting (restart) or exited
//   init containers one after the other, each until it exits with 0; then all others at once.
//   sidecars (init containers that are restarted always) in the same order, each until it runs; restarted as long as
//   the pod has anything else to do, and ended after it, the last one first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/pods/pod_record.h"
#include "config/pod_spec.h"

namespace mete::agent {

enum class PodPhase { kPending, kRunning, kSucceeded, kFailed, kStopped, kTerminating };

[[nodiscard]] const char* to_string(PodPhase phase);  // "Pending", ... as Kubernetes has them

struct NextSteps {
  std::vector<std::size_t> start;      // indices into PodRecord::containers
  std::optional<WallTime> look_again;  // the earliest next_start in the future
};

[[nodiscard]] NextSteps next_steps(const PodRecord& record, WallTime now);

// Nothing but sidecars has anything left to do: all containers have ended for good, or an init container has failed.
[[nodiscard]] bool is_finished(const PodRecord& record);

// Which containers are to be told now to end, in a pod that ends: all but the sidecars; when there is none left of
// them, the last sidecar.
[[nodiscard]] std::vector<std::size_t> due_to_end(const PodRecord& record);

[[nodiscard]] PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy);

// Sets what a container's end makes of its record: exited, or waiting with its next start.
void note_end(ContainerRecord& container, config::RestartPolicy policy, const enforcers::BackoffLimits& limits);

}  // namespace mete::agent
