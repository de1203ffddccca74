// SPDX-License-Identifier: Apache-2.0
// Decides when a container that has ended is started again. The kubelet's rule: 10 s, doubling to 5 min, reset after a
// run of 10 min. Pure: times are arguments.
#pragma once

#include <chrono>

#include "config/model/pod_spec.h"

namespace mete::enforcers {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

struct BackoffLimits {
  std::chrono::nanoseconds first = std::chrono::seconds(10);
  std::chrono::nanoseconds longest = std::chrono::minutes(5);
  std::chrono::nanoseconds reset_after = std::chrono::minutes(10);
};

struct Ended {
  WallTime started;  // equal to `at` when the container never ran
  WallTime at;
  int exit_code = 0;
  bool init = false;
};

// For init containers Always means OnFailure, since one that succeeded must not run again.
[[nodiscard]] bool should_restart(config::RestartPolicy policy, const Ended& ended);

// The delay before the next start. `previous`: the delay before the last start (0: none). The first restart is
// immediate; a run of reset_after resets the delay.
[[nodiscard]] std::chrono::nanoseconds next_delay(std::chrono::nanoseconds previous, bool first_restart,
                                                  const Ended& ended, const BackoffLimits& limits);

}  // namespace mete::enforcers
