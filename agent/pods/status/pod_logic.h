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

#include "agent/pods/record/pod_record.h"
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
// they run again before the containers do, and a sidecar is waited for again, unless the pod is finished.
void begin_after_reboot(PodRecord& record);

// The containers of an ending pod that must be ended now: all but the sidecars; once those have ended, the last
// sidecar.
[[nodiscard]] std::vector<std::size_t> due_to_end(const PodRecord& record);

// What its containers have come to, also while it is stopped or being deleted.
[[nodiscard]] PodPhase phase_of_containers(const PodRecord& record, config::RestartPolicy policy);

[[nodiscard]] PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy);

// What a rule of its own asks for when a container ends with this code: the first that fits. Empty: none does.
[[nodiscard]] std::optional<config::RestartAction> action_of_rules(const std::vector<config::RestartRule>& rules,
                                                                   int exit_code);

// All containers are to be killed and started again, as the kubelet does it for RestartAllContainers (KEP-5532):
// neither hooks nor grace, and the pod keeps its uid, its volumes and its network. `reason`: the container whose end
// asks for it; only its back-off is waited for.
void restart_all(PodRecord& record, const std::string& reason, WallTime now);
// When the last of them has ended: all begin anew, also those that had ended for good, the init containers first.
void begin_anew(PodRecord& record, WallTime now);

// Updates the record of a container that has ended: exited, or waiting with the time of its next start. `policy` is the
// pod's; `must`: it is started again in any case.
void note_end(ContainerRecord& container, config::RestartPolicy policy, bool must,
              const enforcers::BackoffLimits& limits);

}  // namespace mete::agent
