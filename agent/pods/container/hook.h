// SPDX-License-Identifier: Apache-2.0
// A hook of a container's lifecycle, once: postStart, or preStop within the grace period.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/probes/probe_run.h"

namespace mete::agent {

class Hook {
 public:
  // Called once. `failure` says how the hook failed; empty: it succeeded.
  using Done = std::function<void(std::string failure)>;

  explicit Hook(asio::io_context& loop) : loop_(loop) {}
  ~Hook() { cancel(); }
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  // `make` gives what is run. `done` is called from the loop, at the latest after `most`. A further call while the hook
  // runs only shortens its time.
  void run(const std::function<std::shared_ptr<ProbeRun>()>& make, std::chrono::nanoseconds most, Done done);
  [[nodiscard]] bool runs() const { return running_ != nullptr; }
  // The container has ended by itself: `done` is not called.
  void cancel();

 private:
  struct Running {
    explicit Running(asio::io_context& loop) : timer(loop) {}
    Timer timer;
    std::shared_ptr<ProbeRun> run;
    Done done;
    Alive alive;
  };
  void finish(std::string failure);

  asio::io_context& loop_;
  std::unique_ptr<Running> running_;  // null: it does not run
};

}  // namespace mete::agent
