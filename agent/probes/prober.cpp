// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/prober.h"

#include <algorithm>
#include <utility>

namespace mete::agent {

void ProbeCounts::add(ProbeResult result, std::chrono::nanoseconds took) {
  if (result == ProbeResult::kFailure) ++failed;
  if (result == ProbeResult::kUnknown) ++unknown;
  if (result == ProbeResult::kFailure || result == ProbeResult::kUnknown) return;
  ++successful;
  const double length = std::chrono::duration<double>(took).count();
  const auto* const bucket = std::lower_bound(kBounds.begin(), kBounds.end(), length);
  ++durations.at(static_cast<std::size_t>(bucket - kBounds.begin()));
  seconds += length;
}

Prober::Prober(asio::io_context& loop, const config::Probe& probe, ProbeCounts& counts, Calls calls)
    : probe_(probe), counts_(counts), calls_(std::move(calls)), timer_(loop), state_(probe, Health::kNotKnown) {}

Prober::~Prober() {
  stop();
}

void Prober::begin(Health from, SteadyTime started, bool now) {
  stop();
  state_ = ProbeState(probe_, from);
  // Probes that are due in one moment wake the loop, and the thread that makes sockets, together.
  constexpr SteadyTime::duration kTogether = std::chrono::milliseconds(25);
  const auto first = (started + probe_.initial_delay).time_since_epoch();
  grid_ = SteadyTime((first + kTogether - SteadyTime::duration(1)) / kTogether * kTogether);
  const auto today = std::chrono::steady_clock::now();
  wait_until(now ? std::max(today, grid_)
                 : SteadyTime(std::chrono::duration_cast<SteadyTime::duration>(
                       next_probe(grid_.time_since_epoch(), probe_.period, today.time_since_epoch()))));
}

void Prober::stop() {
  timer_.cancel();
  if (const auto run = std::exchange(run_, nullptr)) run->cancel();
}

void Prober::wait_until(SteadyTime at) {
  due_ = at;
  timer_.expires_at(at);
  timer_.async_wait(alive_.guard([this] { run(); }));
}

void Prober::run() {
  const auto begun = std::chrono::steady_clock::now();
  calls_.late(begun - due_);
  run_ = calls_.make();
  const auto run = run_;
  run->begin(probe_.timeout, [this, begun](const ProbeOutcome& outcome) { ended(outcome, begun); });
}

void Prober::ended(const ProbeOutcome& outcome, SteadyTime begun) {
  run_.reset();
  const auto now = std::chrono::steady_clock::now();
  counts_.add(outcome.result, now - begun);
  // The next one first: what is called may stop it.
  const auto after =
      std::max<std::chrono::nanoseconds>(now.time_since_epoch(), due_.time_since_epoch() + std::chrono::nanoseconds(1));
  wait_until(SteadyTime(next_probe(grid_.time_since_epoch(), probe_.period, after)));
  calls_.outcome(outcome);
  if (const auto changed = state_.add(outcome.result)) calls_.changed(*changed, outcome);
}

}  // namespace mete::agent
