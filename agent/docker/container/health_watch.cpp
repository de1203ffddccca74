// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/health_watch.h"

namespace mete::agent::docker {
namespace {

constexpr std::size_t kMostShown = 4096;  // of what a probe has said, as docker

WallTime clock_now() {
  return std::chrono::system_clock::now();
}

// A probe tells of a command that printed nothing by its code alone.
int exit_code_of(const ProbeOutcome& outcome, bool timed_out) {
  if (outcome.result == ProbeResult::kSuccess || outcome.result == ProbeResult::kWarning) return 0;
  return outcome.result == ProbeResult::kUnknown || timed_out ? -1 : 1;
}

}  // namespace

HealthWatch::HealthWatch(Services& services, HealthPlan plan, ProbePlace place, WallTime started,
                         std::function<void()> changed)
    : services_(services),
      plan_(std::move(plan)),
      place_(std::move(place)),
      started_(started),
      changed_(std::move(changed)),
      timer_(services.loop) {
  wait();
}

void HealthWatch::stop() {
  stopped_ = true;
  timer_.cancel();
  if (const auto run = std::exchange(run_, nullptr)) run->cancel();
  state_.status = "unhealthy";
}

void HealthWatch::wait() {
  timer_.expires_after(next_interval(state_, plan_, age(clock_now())));
  timer_.async_wait(alive_.guard([this] { ask(); }));
}

void HealthWatch::ask() {
  if (stopped_) return;  // the timer had ended before it was cancelled
  const WallTime begun = clock_now();
  run_ = make_exec_run(services_, place_, plan_.command);
  const auto run = run_;  // it may end at once
  run->begin(plan_.timeout, [this, begun](const ProbeOutcome& outcome) { take(outcome, begun); });
}

void HealthWatch::take(const ProbeOutcome& outcome, WallTime begun) {
  run_.reset();
  const WallTime end = clock_now();
  const bool timed_out = outcome.result == ProbeResult::kFailure && end - begun >= plan_.timeout;
  ProbeAnswer answer{begun, end, exit_code_of(outcome, timed_out), outcome.message.substr(0, kMostShown)};
  const bool other = state_.add(std::move(answer), plan_, age(begun));
  wait();
  if (other) changed_();
}

}  // namespace mete::agent::docker
