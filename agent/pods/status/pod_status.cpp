// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/status/pod_status.h"

#include <algorithm>

namespace mete::agent {
namespace {

bool is_over(PodPhase phase) {
  return phase == PodPhase::kSucceeded || phase == PodPhase::kFailed || phase == PodPhase::kStopped;
}

// Sidecars count with the containers, as they go on beside them.
bool goes_on(const ContainerRecord& container) {
  return !container.init || container.sidecar;
}

// Whether an init container still holds the others back: a sidecar until it has started, another one until it is done.
bool is_incomplete(const ContainerRecord& each) {
  if (!each.init) return false;
  return each.sidecar ? each.state != ContainerState::kRunning || !each.started : !is_ready(each);
}

// A regular container that has begun says it for good: a sidecar may be started anew meanwhile
// (GeneratePodInitializedCondition in pkg/kubelet/status/generate.go of Kubernetes).
bool is_initialized(const PodRecord& record) {
  const auto begun = [](const ContainerRecord& each) {
    return !each.init && (each.state == ContainerState::kRunning || (each.has_ended && !each.fresh));
  };
  return std::any_of(record.containers.begin(), record.containers.end(), begun) ||
         std::none_of(record.containers.begin(), record.containers.end(), is_incomplete);
}

bool set(Condition& condition, bool holds, WallTime now) {
  if (condition.holds == holds && condition.since != WallTime()) return false;
  condition = {holds, now};
  return true;
}

std::string not_ready(const PodRecord& record) {
  std::string names;
  for (const auto& each : record.containers) {
    if (goes_on(each) && !is_ready(each)) names += (names.empty() ? "" : " ") + each.name;
  }
  return "containers with unready status: [" + names + "]";
}

std::string not_initialized(const PodRecord& record) {
  std::string names;
  for (const auto& each : record.containers) {
    if (is_incomplete(each)) names += (names.empty() ? "" : " ") + each.name;
  }
  return "containers with incomplete status: [" + names + "]";
}

}  // namespace

bool is_ready(const ContainerRecord& container) {
  if (!goes_on(container)) return container.state == ContainerState::kExited && container.exit_code == 0;
  return container.state == ContainerState::kRunning && container.ready;
}

bool note_conditions(PodRecord& record, config::RestartPolicy policy, WallTime now) {
  const bool ready = !is_over(phase_of(record, policy)) &&
                     std::all_of(record.containers.begin(), record.containers.end(),
                                 [](const ContainerRecord& each) { return !goes_on(each) || is_ready(each); });
  const WallTime first = record.created;
  bool changed = set(record.initialized, is_initialized(record), record.initialized.since == WallTime() ? first : now);
  if (set(record.ready, ready, record.ready.since == WallTime() && !ready ? first : now)) changed = true;
  return changed;
}

PodStatus status_of(const PodRecord& record, config::RestartPolicy policy) {
  // What the scheduler has to say stands in the condition alone.
  const bool held = record.reason.empty() && !record.hold->reason.empty() && !record.is_unscheduled();
  return {.phase = phase_of(record, policy),
          .ready = record.ready.holds,
          .ready_since = record.ready.since == WallTime() ? record.created : record.ready.since,
          .reason = held ? record.hold->reason : record.reason,
          .message = held ? record.hold->message : record.message};
}

// As a cluster: of a Pod that no kubelet has seen yet nothing else is said.
std::vector<PodCondition> conditions_of(const PodRecord& record, config::RestartPolicy policy) {
  if (record.gated)
    return {{"PodScheduled", false, record.created, "SchedulingGated",
             "Scheduling is blocked due to non-empty scheduling gates"}};
  if (record.is_unscheduled()) return {{"PodScheduled", false, record.created, kUnschedulable, record.hold->message}};
  const PodStatus status = status_of(record, policy);
  PodCondition initialized{"Initialized", record.initialized.holds, record.initialized.since, {}, {}};
  if (!initialized.holds) {
    initialized.reason = "ContainersNotInitialized";
    initialized.message = not_initialized(record);
  }
  PodCondition ready{"Ready", status.ready, status.ready_since, {}, {}};
  if (status.phase == PodPhase::kSucceeded) {
    initialized.holds = true;
    initialized.message.clear();
    ready.reason = initialized.reason = "PodCompleted";
  } else if (status.phase == PodPhase::kFailed) {
    ready.reason = "PodFailed";
  } else if (!ready.holds) {
    ready.reason = "ContainersNotReady";
    ready.message = not_ready(record);
  }
  PodCondition containers = ready;
  containers.type = "ContainersReady";
  std::vector<PodCondition> all = {{"PodScheduled", true, std::max(record.created, record.scheduled), {}, {}},
                                   std::move(initialized),
                                   std::move(containers),
                                   std::move(ready)};
  if (record.restarting.since != WallTime()) {
    PodCondition restarting{"AllContainersRestarting", record.restarting.holds, record.restarting.since, {}, {}};
    if (restarting.holds) {
      restarting.reason = "RestartAllContainersStarted";
      restarting.message = "container exited with restart policy rule";
    }
    all.push_back(std::move(restarting));
  }
  return all;
}

}  // namespace mete::agent
