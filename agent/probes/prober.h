// SPDX-License-Identifier: Apache-2.0
// Runs one probe of one container at its period, and passes on what its results mean.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "agent/base/asio.h"
#include "agent/probes/probe_run.h"
#include "agent/probes/probe_state.h"

namespace mete::agent {

// Since the agent's start, over all attempts of the container: the kubelet's prober_probe_* families.
struct ProbeCounts {
  static constexpr std::array<double, 11> kBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                     0.5,   1,    2.5,   5,    10};  // seconds
  std::uint64_t successful = 0;
  std::uint64_t failed = 0;
  std::uint64_t unknown = 0;
  std::array<std::uint64_t, kBounds.size() + 1> durations{};  // of those that succeeded; not cumulative
  double seconds = 0;                                         // the sum of these
  [[nodiscard]] bool empty() const { return successful + failed + unknown == 0; }
  void add(ProbeResult result, std::chrono::nanoseconds took);
};

class Prober {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Calls {
    std::function<std::shared_ptr<ProbeRun>()> make;  // the next one
    std::function<void(const ProbeOutcome&)> outcome;
    std::function<void(Health, const ProbeOutcome&)> changed;  // it may stop() or destroy the prober
    std::function<void(std::chrono::nanoseconds)> late;        // so much after its time a probe began
  };

  // `probe` outlives it.
  Prober(asio::io_context& loop, const config::Probe& probe, ProbeCounts& counts, Calls calls);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // `started`: when the container was. `now`: one at once, when its delay is over, and then with the others on the
  // grid.
  void begin(Health from, SteadyTime started, bool now);
  void stop();

 private:
  void wait_until(SteadyTime at);
  void run();
  void ended(const ProbeOutcome& outcome, SteadyTime begun);

  const config::Probe& probe_;
  ProbeCounts& counts_;
  Calls calls_;
  Timer timer_;
  ProbeState state_;
  SteadyTime grid_{};  // of the first one
  SteadyTime due_{};
  std::shared_ptr<ProbeRun> run_;
  Alive alive_;
};

}  // namespace mete::agent
