// SPDX-License-Identifier: Apache-2.0
// The CPU time that pods without requests may use on a loaded machine: koordinator's rule (koordlet cpuSuppress). Pure.
//
// The budget is a share of the machine, less the usage of all other processes or the reserve of the system, whichever
// is more. No pod is bounded while the budget is enough for all. The budget shrinks at once and grows in steps, so that
// its swings do not affect other workloads.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "config/base/units.h"

namespace mete::enforcers {

struct BestEffortFacts {
  double cpus = 1;              // of the machine
  double used = 0;              // cores used by all processes in the last second
  double used_best_effort = 0;  // the part of `used` by pods without requests
  double reserved = 0;          // cores kept for the system
};

// Cores for all such pods together; never 0, so that the pods can make progress and end.
[[nodiscard]] double best_effort_budget(Ratio share, const BestEffortFacts& facts);

struct BestEffortPod {
  double used = 0;             // cores, in the last second
  std::optional<double> held;  // present bound in cores; empty: none
};

// The bound of each pod in cores, in the order of `pods`; empty: unbounded. The largest users shrink first: no pod gets
// a bound below the even share.
[[nodiscard]] std::vector<std::optional<double>> hold_best_effort(double budget, double cpus,
                                                                  const std::vector<BestEffortPod>& pods);

// True: the change is large enough to be written.
[[nodiscard]] bool differs(const std::optional<double>& before, const std::optional<double>& after, double cpus);

}  // namespace mete::enforcers
