// SPDX-License-Identifier: Apache-2.0
// Runs the healthcheck of a container at its interval, as an exec probe of a Pod is run, and keeps the results.
#pragma once

#include <functional>
#include <memory>

#include "agent/docker/container/health.h"
#include "agent/probes/probe_run.h"

namespace mete::agent::docker {

using enforcers::WallTime;

class HealthWatch {
 public:
  // `started`: when the container was. `changed` is called on the loop each time the status is another one.
  HealthWatch(Services& services, HealthPlan plan, ProbePlace place, WallTime started, std::function<void()> changed);
  ~HealthWatch() { stop(); }
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  // The container has ended: nobody can say that it is well.
  void stop();
  [[nodiscard]] const HealthState& state() const { return state_; }

 private:
  void wait();
  void ask();
  void take(const ProbeOutcome& outcome, WallTime begun);
  [[nodiscard]] std::chrono::nanoseconds age(WallTime at) const { return at - started_; }

  Services& services_;
  const HealthPlan plan_;
  const ProbePlace place_;
  const WallTime started_;
  std::function<void()> changed_;
  HealthState state_;
  bool stopped_ = false;
  std::shared_ptr<ProbeRun> run_;
  Timer timer_;
  Alive alive_;
};

}  // namespace mete::agent::docker
