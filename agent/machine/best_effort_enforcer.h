// SPDX-License-Identifier: Apache-2.0
// Bounds the CPU time of pods without requests while the machine is loaded (machine.bestEffort of agent.yaml). Polls
// once a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/pods/reconciler.h"

namespace mete::agent {

class BestEffortEnforcer {
 public:
  BestEffortEnforcer(Enforcement& enforcement, const Reconciler& reconciler)
      : enforcement_(enforcement), services_(enforcement.services()), reconciler_(reconciler), timer_(services_.loop) {}

  // Does nothing when agent.yaml sets no bound.
  void start();

 private:
  struct Seen {
    std::chrono::nanoseconds usage{0};
    std::chrono::steady_clock::time_point at{};
  };
  void poll();
  // Cores that the pod has used since the last poll; empty: first poll of the pod, or its cgroup is gone.
  [[nodiscard]] std::optional<double> used_by(const Pod& pod);

  Enforcement& enforcement_;
  Services& services_;
  const Reconciler& reconciler_;
  Timer timer_;
  std::map<std::string, Seen> seen_;  // by the pod's uid
  Alive alive_;
};

}  // namespace mete::agent
