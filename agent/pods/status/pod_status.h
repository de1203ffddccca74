// SPDX-License-Identifier: Apache-2.0
// What others need to know of a pod: its phase, whether it is ready and since when, and why it failed. Pure functions
// of the record. Whoever waits for a change asks Reconciler::on_changed.
#pragma once

#include <string>
#include <vector>

#include "agent/pods/record/pod_record.h"
#include "agent/pods/status/pod_logic.h"

namespace mete::agent {

struct PodStatus {
  PodPhase phase = PodPhase::kPending;
  bool ready = false;      // all containers that are to go on are ready
  WallTime ready_since{};  // when `ready` last changed; before its first change: when the pod was made
  std::string reason;      // why it failed as a whole, or is held back: "DeadlineExceeded"; empty otherwise
  std::string message;     // the same for a person
  bool operator==(const PodStatus&) const = default;
};

[[nodiscard]] PodStatus status_of(const PodRecord& record, config::RestartPolicy policy);

// A container that is to go on is ready when its readiness probe says so, or it runs and has none; an init container is
// when it has ended with 0.
[[nodiscard]] bool is_ready(const ContainerRecord& container);

// Whether the init containers are done, and whether all other containers are ready: what the record's conditions are to
// say. False: they say so already. Otherwise they are changed, with `now` as the time of the change.
[[nodiscard]] bool note_conditions(PodRecord& record, config::RestartPolicy policy, WallTime now);

// One of status.conditions, as Kubernetes names them.
struct PodCondition {
  std::string type;  // "PodScheduled", "Initialized", "ContainersReady", "Ready", "AllContainersRestarting"
  bool holds = false;
  WallTime since{};
  std::string reason;   // why it does not hold: "ContainersNotReady", ...; empty while it holds
  std::string message;  // the same for a person
};
[[nodiscard]] std::vector<PodCondition> conditions_of(const PodRecord& record, config::RestartPolicy policy);

}  // namespace mete::agent
