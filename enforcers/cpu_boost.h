// SPDX-License-Identifier: Apache-2.0
// Decides when a throttled container gets idle CPU time beyond its quota, and when the quota is lowered again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "config/base/fifo.h"
#include "config/model/policy.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// Counters of cpu.stat at one time.
struct CpuMoment {
  Moment at;
  std::uint64_t periods = 0, throttled = 0;
  std::chrono::nanoseconds usage{0};
};

struct BoostFacts {
  std::chrono::microseconds base;   // quota from the manifest
  std::chrono::microseconds quota;  // in force
  std::chrono::microseconds period;
  double idle_cores = 0;  // of the machine, in the last second
  double cpus = 1;        // of the machine
};

struct BoostDecision {
  std::chrono::microseconds quota;
  std::string because;
};

class CpuBooster {
 public:
  // A boost leaves the first share of the machine idle. When less than the second is idle, the boost ends.
  static constexpr double kLeaveIdle = 0.10;
  static constexpr double kOthersNeedIt = 0.05;

  // Adds a sample. A counter that went back restarts the window.
  void see(const CpuMoment& moment, config::Duration window);
  // The new quota; empty: no change. The caller is assumed to have applied it.
  [[nodiscard]] std::optional<BoostDecision> decide(const config::CpuBoost& boost, const BoostFacts& facts, Moment now);
  // Share of throttled periods in the window; empty: the samples do not span the window yet.
  [[nodiscard]] std::optional<double> throttled(config::Duration window) const;

 private:
  [[nodiscard]] double cores_used() const;

  config::Fifo<CpuMoment> seen_;
  std::optional<Moment> cool_until_;
};

}  // namespace mete::enforcers
