// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/state.h"

#include "runtime/shim/log_writer.h"

namespace mete::agent::docker {

State state_of(const PodRecord& pod, bool paused) {
  State state;
  if (pod.containers.empty()) return state;
  const auto& own = pod.containers.front();
  const bool active = own.state == agent::ContainerState::kRunning || own.state == agent::ContainerState::kStarting;
  state.failed = own.has_ended && own.reason == "StartError" && !active;
  state.exit_code = own.has_ended && !active ? own.exit_code : 0;
  state.restarts = own.restarts_in_row;
  state.out_of_memory = own.has_ended && own.reason == "OOMKilled";
  state.finished = own.has_ended ? own.finished_at : WallTime();
  if (own.state == agent::ContainerState::kRunning) {
    state.running = true;
    state.paused = paused;
    state.pid = own.process.pid;
    state.started = own.started_at;
    state.status = paused ? "paused" : "running";
  } else if (own.has_ended) {
    state.started = own.started_at;
    const bool again = !pod.stopped && !pod.terminating && own.state != agent::ContainerState::kExited;
    state.restarting = again;
    state.running = again;
    state.status = again ? "restarting" : state.failed ? "created" : "exited";
  }
  state.removing = pod.terminating;
  if (pod.terminating) state.status = "removing";
  return state;
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  const auto minutes = seconds / 60;
  const auto hours = (seconds + 1800) / 3600;
  const auto count = [](std::int64_t number, const char* unit) { return std::to_string(number) + " " + unit; };
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return count(seconds, "seconds");
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return count(minutes, "minutes");
  if (hours == 1) return "About an hour";
  if (hours < 48) return count(hours, "hours");
  constexpr std::int64_t kDay = 24;
  if (hours < kDay * 7 * 2) return count(hours / kDay, "days");
  if (hours < kDay * 30 * 2) return count(hours / kDay / 7, "weeks");
  if (hours < kDay * 365 * 2) return count(hours / kDay / 30, "months");
  return count(hours / kDay / 365, "years");
}

std::string status_text(const State& state, WallTime now) {
  const std::string code = "(" + std::to_string(state.exit_code) + ") ";
  if (state.removing) return "Removal In Progress";
  if (state.restarting) return "Restarting " + code + duration_text(now - state.finished) + " ago";
  if (state.paused) return "Up " + duration_text(now - state.started) + " (Paused)";
  if (state.running) return "Up " + duration_text(now - state.started);
  if (state.status == "created") return "Created";
  return "Exited " + code + duration_text(now - state.finished) + " ago";
}

std::string time_text(WallTime at) {
  if (at == WallTime()) return "0001-01-01T00:00:00Z";
  return runtime::shim::format_time(at.time_since_epoch()).data();
}

}  // namespace mete::agent::docker
