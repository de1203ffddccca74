// SPDX-License-Identifier: Apache-2.0
// The preStop hook of a container that is about to be ended: a command inside it, a request or a pause, within the
// grace period.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "config/pod_spec.h"
#include "config/result.h"

namespace mete::agent {

class PreStop {
 public:
  // Starts the command or request as a child of the agent; the child is killed after `timeout`.
  using Start = std::function<Result<pid_t>(const config::PreStopHook& hook, std::chrono::nanoseconds timeout)>;
  // Called once. `failure` says how the hook failed; empty: it succeeded. The container is ended in both cases.
  using Done = std::function<void(std::string failure)>;

  explicit PreStop(asio::io_context& loop) : loop_(loop), timer_(loop) {}

  // `done` is called from the loop, at the latest after `most`. A further call while the hook runs only shortens its
  // time.
  void run(const config::PreStopHook& hook, std::chrono::nanoseconds most, const Start& start, Done done);
  [[nodiscard]] bool runs() const { return done_ != nullptr; }
  // The container has ended by itself: `done` is not called.
  void cancel();

 private:
  void finish(std::string failure);

  asio::io_context& loop_;
  Timer timer_;
  bool pause_ = false;
  Done done_;
  unsigned run_ = 0;  // number of the current run; the end of an earlier run's command is ignored
  Alive alive_;
};

}  // namespace mete::agent
