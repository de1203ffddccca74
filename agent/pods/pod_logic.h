// SPDX-License-Identifier: Apache-2.0
// Decides what a pod does next, as a pure function of its record: which containers start now, when to evaluate again,
// and which phase the pod is in. The pod (pod.h) carries the decision out.
//
//   waiting --start--> starting --> running --ends--> waiting (restart) or exited
//   init containers one after the other, each until it exits with 0; then all others at once.
//   sidecars (init containers that are restarted always) in the same order, each until it runs; restarted as long as
//   the pod has anything else to do, and ended after it, the last one first.
//   a container with a postStart hook holds back those after it until the hook has ended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/pods/pod_record.h"
#include "config/model/pod_spec.h"

namespace mete::agent {

enum class PodPhase { kPending, kRunning, kSucceeded, kFailed, kStopped, kTerminating };

[[nodiscard]] const char* to_string(PodPhase phase);  // Kubernetes' names: "Pending", ...

struct NextSteps {
  std::vector<std::size_t> start;      // indices into PodRecord::containers
  std::optional<WallTime> look_again;  // the earliest next_start in the future
};

[[nodiscard]] NextSteps next_steps(const PodRecord& record, WallTime now);

// True: only sidecars are left: all other containers have ended for good, or an init container has failed. Or the pod
// has failed as a whole.
[[nodiscard]] bool is_finished(const PodRecord& record);
// After a reboot: what init containers made may have been in memory, or in a network that is gone. As in Kubernetes
// they run again before the containers do, unless the pod is finished.
void run_init_again(PodRecord& record);

// The containers of an ending pod that must be ended now: all but the sidecars; once those have ended, the last
// sidecar.
[[nodiscard]] std::vector<std::size_t> due_to_end(const PodRecord& record);

// What its containers have come to, also while it is stopped or being deleted.
[[nodiscard]] PodPhase phase_of_containers(const PodRecord& record, config::RestartPolicy policy);

[[nodiscard]] PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy);

// Whether a container that ends with this code is started again because of a rule of its own.
[[nodiscard]] bool rule_restarts(const std::vector<config::RestartRule>& rules, int exit_code);

// Updates the record of a container that has ended: exited, or waiting with the time of its next start. `policy` is the
// pod's; `must`: it is started again in any case.
void note_end(ContainerRecord& container, config::RestartPolicy policy, bool must,
              const enforcers::BackoffLimits& limits);

}  // namespace mete::agent
