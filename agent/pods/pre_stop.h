// SPDX-License-Identifier: Apache-2.0
// A preStop hook of a container that is to end: a command inside, a request or a pause, within the grace period.
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
  // Starts the command or request, which is killed after the time, as a child of the agent.
  using Start = std::function<Result<pid_t>(const config::PreStopHook& hook, std::chrono::nanoseconds timeout)>;
  // Called once; not empty: how the hook failed. The container is told to end all the same.
  using Done = std::function<void(std::string failure)>;

  explicit PreStop(asio::io_context& loop) : loop_(loop), timer_(loop) {}

  // `done` is called from the loop, at the latest after `most`. Called again while a hook runs, it only shortens its
  // time.
  void run(const config::PreStopHook& hook, std::chrono::nanoseconds most, const Start& start, Done done);
  [[nodiscard]] bool runs() const { return done_ != nullptr; }
  // The container has ended by itself: `done` is not called any more.
  void cancel();

 private:
  void finish(std::string failure);

  asio::io_context& loop_;
  Timer timer_;
  bool pause_ = false;
  Done done_;
  unsigned run_ = 0;  // whose command ends
  Alive alive_;
};

}  // namespace mete::agent
