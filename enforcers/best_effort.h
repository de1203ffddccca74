// SPDX-License-Identifier: Apache-2.0
// How much CPU pods without requests may use when the machine is loaded: koordinator's rule (koordlet cpuSuppress).
// Pure.
//
// A share of the machine, less what all others use, or what is kept for the system where that is more. While there is
// enough for all of them nobody is bounded. It shrinks at once and grows by steps, so that the others do not feel it
// swing.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "config/units.h"

namespace mete::enforcers {

struct BestEffortFacts {
  double cpus = 1;              // of the machine
  double used = 0;              // cores, by all, in the last second
  double used_best_effort = 0;  // of that, by the pods that this is about
  double reserved = 0;          // cores kept for the system
};

// Cores for all of them together; never nothing, so that they can go on and end.
[[nodiscard]] double best_effort_budget(Ratio share, const BestEffortFacts& facts);

struct BestEffortPod {
  double used = 0;             // cores, in the last second
  std::optional<double> held;  // cores that it is held to now
};

// What each may use, in the order of the pods; empty: it is not held. The largest shrink first: nobody is held below
// what all have alike.
[[nodiscard]] std::vector<std::optional<double>> hold_best_effort(double budget, double cpus,
                                                                  const std::vector<BestEffortPod>& pods);

// Is the change worth a write?
[[nodiscard]] bool differs(const std::optional<double>& before, const std::optional<double>& after, double cpus);

}  // namespace mete::enforcers
