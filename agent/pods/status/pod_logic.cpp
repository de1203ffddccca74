// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/status/pod_logic.h"

#include <algorithm>
#include <utility>

namespace mete::agent {
namespace {

bool is_done(const ContainerRecord& container) {
  return container.state == ContainerState::kExited;
}
bool is_active(const ContainerRecord& container) {
  return container.state == ContainerState::kStarting || container.state == ContainerState::kRunning;
}

// Since the pod began, or began anew.
bool has_run(const ContainerRecord& container) {
  return container.has_ended && !container.fresh;
}

// Containers after a sidecar may start once the sidecar has started; those already started keep running when it stops.
bool was_passed(const PodRecord& record, std::size_t sidecar) {
  const auto& own = record.containers[sidecar];
  if (own.state == ContainerState::kRunning && own.started) return true;
  return std::any_of(record.containers.begin() + static_cast<std::ptrdiff_t>(sidecar) + 1, record.containers.end(),
                     [](const ContainerRecord& later) { return is_active(later) || has_run(later); });
}

// Its postStart hook is yet to end. While it waits to be started again, nothing waits for it.
bool holds_others(const ContainerRecord& container, WallTime now) {
  if (!container.has_post_start) return false;
  return (container.state == ContainerState::kWaiting && container.next_start <= now) ||
         (is_active(container) && !container.post_started);
}

// Whether a container that is done would have been started again, had the pod gone on.
bool always_restarts(const ContainerRecord& container, config::RestartPolicy policy) {
  return container.restart.value_or(policy) == config::RestartPolicy::kAlways;
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
  if (record.terminating || record.stopped || record.gated || record.restarting.holds) return next;
  const auto consider = [&](std::size_t index) {
    const auto& container = record.containers[index];
    if (container.state != ContainerState::kWaiting) return;
    if (container.next_start <= now) {
      next.start.push_back(index);
    } else if (!next.look_again || container.next_start < *next.look_again) {
      next.look_again = container.next_start;
    }
  };
  if (is_finished(record)) return next;
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto& container = record.containers[i];
    consider(i);
    if (holds_others(container, now)) return next;
    if (!container.init) continue;
    // later containers wait for this one
    if (container.sidecar ? !was_passed(record, i) : !is_done(container)) return next;
  }
  return next;
}

bool is_finished(const PodRecord& record) {
  if (record.restarting.holds) return false;
  bool all_done = true;
  for (const auto& container : record.containers) {
    if (container.sidecar) continue;
    if (container.init && is_done(container) && container.exit_code != 0) return true;
    all_done = all_done && is_done(container);
  }
  return all_done;
}

void begin_after_reboot(PodRecord& record) {
  if (is_finished(record)) return;
  for (auto& container : record.containers) {
    container.fresh = true;
    if (!container.init || container.sidecar || !is_done(container)) continue;
    container.state = ContainerState::kWaiting;
    container.next_start = {};
  }
}

std::vector<std::size_t> due_to_end(const PodRecord& record) {
  std::vector<std::size_t> due;
  std::optional<std::size_t> last_sidecar;
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    if (!is_active(record.containers[i])) continue;
    if (record.containers[i].sidecar) {
      last_sidecar = i;
    } else {
      due.push_back(i);
    }
  }
  if (due.empty() && last_sidecar) due.push_back(*last_sidecar);
  return due;
}

PodPhase phase_of(const PodRecord& record, config::RestartPolicy policy) {
  if (record.terminating) return PodPhase::kTerminating;
  return record.stopped ? PodPhase::kStopped : phase_of_containers(record, policy);
}

PodPhase phase_of_containers(const PodRecord& record, config::RestartPolicy policy) {
  const bool any_active = std::any_of(record.containers.begin(), record.containers.end(), is_active);
  if (!record.reason.empty() && !any_active) return PodPhase::kFailed;
  if (record.restarting.holds) return PodPhase::kPending;
  bool all_done = true;
  bool any_failed = false;
  bool any_begun = false;
  bool sidecar_active = false;
  bool any_always = false;
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto& container = record.containers[i];
    if (container.sidecar) {
      sidecar_active = sidecar_active || is_active(container);
      if (!was_passed(record, i) && !is_finished(record)) return PodPhase::kPending;
      continue;
    }
    if (container.init) {
      if (!is_done(container)) return PodPhase::kPending;
      if (container.exit_code != 0) return PodPhase::kFailed;
      continue;
    }
    all_done = all_done && is_done(container);
    any_failed = any_failed || (is_done(container) && container.exit_code != 0);
    any_always = any_always || always_restarts(container, policy);
    any_begun = any_begun || is_active(container) || has_run(container);
  }
  if (all_done && !sidecar_active && !any_always) return any_failed ? PodPhase::kFailed : PodPhase::kSucceeded;
  return any_begun ? PodPhase::kRunning : PodPhase::kPending;
}

std::optional<config::RestartAction> action_of_rules(const std::vector<config::RestartRule>& rules, int exit_code) {
  const auto rule = std::find_if(rules.begin(), rules.end(), [exit_code](const config::RestartRule& each) {
    return each.in == (std::find(each.codes.begin(), each.codes.end(), exit_code) != each.codes.end());
  });
  return rule == rules.end() ? std::nullopt : std::optional(rule->action);
}

void restart_all(PodRecord& record, const std::string& reason, WallTime now) {
  record.restarting = {true, now};
  for (auto& container : record.containers) {
    if (container.state == ContainerState::kWaiting && container.name != reason) container.next_start = {};
  }
}

void begin_anew(PodRecord& record, WallTime now) {
  WallTime at{};
  for (const auto& container : record.containers) {
    if (container.state == ContainerState::kWaiting) at = std::max(at, container.next_start);
  }
  for (auto& container : record.containers) {
    container.state = ContainerState::kWaiting;
    container.next_start = at;
    container.fresh = true;
  }
  record.restarting = {false, now};
}

void note_end(ContainerRecord& container, config::RestartPolicy policy, bool must,
              const enforcers::BackoffLimits& limits) {
  // A sidecar is restarted by the rules of restartPolicy Always.
  const enforcers::Ended ended{container.started_at, container.finished_at, container.exit_code,
                               container.init && !container.sidecar};
  policy = container.sidecar ? config::RestartPolicy::kAlways : container.restart.value_or(policy);
  container.has_ended = true;
  container.process = {};
  const bool unwell = std::exchange(container.unwell, false) && policy != config::RestartPolicy::kNever;
  container.end_within.reset();
  if (!must && !unwell && !enforcers::should_restart(policy, ended)) {
    container.state = ContainerState::kExited;
    return;
  }
  container.backoff = enforcers::next_delay(container.backoff, container.restarts == 0, ended, limits);
  container.next_start = container.finished_at + container.backoff;
  container.state = ContainerState::kWaiting;
}

}  // namespace mete::agent
