// SPDX-License-Identifier: Apache-2.0
// What a pod does next, as a pure function of its record: which containers are started now, when to look again, and
// which phase it is in. The pod (pod.h) carries it out.
//
//   waiting --start--> starting --> running --ends--> waiting (restart) or exited
//   init containers one after the other, each until it exits with 0; then all others at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/record.h"
#include "config/pod.h"

namespace mete::agent {

enum class PodPhase { kPending, kRunning, kSucceeded, kFailed, kStopped, kTerminating };

[[nodiscard]] const char* to_string(PodPhase phase);  // "Pending", ... as Kubernetes has them

struct NextSteps {
  std::vector<std::size_t> start;      // indices into PodRecord::containers
  std::optional<WallTime> look_again;  // the earliest next_start in the future
};

[[nodiscard]] NextSteps next_steps(const PodRecord& record, WallTime now);

[[nodiscard]] PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy);

// Sets what a container's end makes of its record: exited, or waiting with its next start.
void note_end(ContainerRecord& container, config::RestartPolicy policy, const enforcers::BackoffLimits& limits);

}  // namespace mete::agent
