// SPDX-License-Identifier: Apache-2.0
// When a container that is throttled gets more of a CPU that nobody else wants, and when it gives it back. Pure.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include "config/policy.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// Counters of cpu.stat.
struct CpuMoment {
  Moment at;
  std::uint64_t periods = 0, throttled = 0;
  std::chrono::nanoseconds usage{0};
};

struct BoostFacts {
  std::chrono::microseconds base;   // quota by manifest
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
  // So much of the machine is left idle by a boost; and when less than the second is idle, all is given back.
  static constexpr double kLeaveIdle = 0.10;
  static constexpr double kOthersNeedIt = 0.05;

  // A counter that went back begins anew.
  void see(const CpuMoment& moment, config::Duration window);
  // Empty: it stays. What is returned is taken as done.
  [[nodiscard]] std::optional<BoostDecision> decide(const config::CpuBoost& boost, const BoostFacts& facts, Moment now);
  // Share of periods throttled in the window; empty: it is not full yet.
  [[nodiscard]] std::optional<double> throttled(config::Duration window) const;

 private:
  [[nodiscard]] double cores_used() const;

  std::deque<CpuMoment> seen_;
  std::optional<Moment> cool_until_;
};

}  // namespace mete::enforcers
