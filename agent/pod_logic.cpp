// SPDX-License-Identifier: Apache-2.0
#include "agent/pod_logic.h"

#include <algorithm>

namespace mete::agent {
namespace {

bool is_done(const ContainerRecord& container) { return container.state == ContainerState::kExited; }
bool is_active(const ContainerRecord& container) {
  return container.state == ContainerState::kStarting || container.state == ContainerState::kRunning;
}

}  // namespace

const char* to_string(PodPhase phase) {
  switch (phase) {
    case PodPhase::kPending:
      return "Pending";
    case PodPhase::kRunning:
      return "Running";
    case PodPhase::kSucceeded:
      return "Succeeded";
    case PodPhase::kFailed:
      return "Failed";
    case PodPhase::kStopped:
      return "Stopped";
    case PodPhase::kTerminating:
      break;
  }
  return "Terminating";
}

NextSteps next_steps(const PodRecord& record, WallTime now) {
  NextSteps next;
  if (record.terminating || record.stopped) return next;
  const auto consider = [&](std::size_t index) {
    const auto& container = record.containers[index];
    if (container.state != ContainerState::kWaiting) return;
    if (container.next_start <= now) {
      next.start.push_back(index);
    } else if (!next.look_again || container.next_start < *next.look_again) {
      next.look_again = container.next_start;
    }
  };
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto& container = record.containers[i];
    if (!container.init) {
      consider(i);
    } else if (!is_done(container)) {
      consider(i);
      return next;  // what follows waits for it
    } else if (container.exit_code != 0) {
      return next;  // it failed for good: nothing after it is started
    }
  }
  return next;
}

PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy) {
  if (record.terminating) return PodPhase::kTerminating;
  if (record.stopped) return PodPhase::kStopped;
  bool all_done = true;
  bool any_failed = false;
  bool any_begun = false;
  for (const auto& container : record.containers) {
    if (container.init) {
      if (!is_done(container)) return PodPhase::kPending;
      if (container.exit_code != 0) return PodPhase::kFailed;
      continue;
    }
    all_done = all_done && is_done(container);
    any_failed = any_failed || (is_done(container) && container.exit_code != 0);
    any_begun = any_begun || is_active(container) || container.has_ended;
  }
  if (all_done && policy != config::RestartPolicy::kAlways) return any_failed ? PodPhase::kFailed : PodPhase::kSucceeded;
  return any_begun ? PodPhase::kRunning : PodPhase::kPending;
}

void note_end(ContainerRecord& container, config::RestartPolicy policy, const enforcers::BackoffLimits& limits) {
  const enforcers::Ended ended{container.started_at, container.finished_at, container.exit_code, container.init};
  container.has_ended = true;
  container.process = {};
  if (!enforcers::should_restart(policy, ended)) {
    container.state = ContainerState::kExited;
    return;
  }
  container.backoff = enforcers::next_delay(container.backoff, container.restarts == 0, ended, limits);
  container.next_start = container.finished_at + container.backoff;
  container.state = ContainerState::kWaiting;
}

}  // namespace mete::agent
