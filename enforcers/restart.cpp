// SPDX-License-Identifier: Apache-2.0
#include "enforcers/restart.h"

#include <algorithm>

namespace mete::enforcers {

bool should_restart(config::RestartPolicy policy, const Ended& ended) {
  switch (policy) {
    case config::RestartPolicy::kNever:
      return false;
    case config::RestartPolicy::kOnFailure:
      return ended.exit_code != 0;
    case config::RestartPolicy::kAlways:
      break;
  }
  return !ended.init || ended.exit_code != 0;
}

std::chrono::nanoseconds next_delay(std::chrono::nanoseconds previous, bool first_restart, const Ended& ended,
                                    const BackoffLimits& limits) {
  using std::chrono::nanoseconds;
  if (first_restart || ended.at - ended.started >= limits.reset_after) return nanoseconds(0);
  if (previous == nanoseconds(0)) return limits.first;
  return std::min(previous * 2, limits.longest);
}

}  // namespace mete::enforcers
