// SPDX-License-Identifier: Apache-2.0
#include "enforcers/stuck_at_high.h"

namespace mete::enforcers {

std::optional<std::uint64_t> stalled_at_high(std::uint64_t times, Bytes reclaimable, Bytes high) {
  constexpr std::uint64_t kWait = 2'000'000'000;
  constexpr std::uint64_t kTimesAWait = 17;
  constexpr Ratio kNothing{30'000};
  if (reclaimable > share_of(high, kNothing)) return std::nullopt;
  return times * (kWait / kTimesAWait);
}

bool StuckAtHigh::see(Moment at, Bytes usage, Bytes high, std::uint64_t stalled) {
  // Reclaim keeps usage a little below memory.high.
  constexpr Ratio kNear{970'000};
  if (usage < share_of(high, kNear)) {
    forget();
    return false;
  }
  window_.see(at, stalled);
  const auto growth = window_.growth();
  return growth && stalls(*growth, kStuckShare);
}

}  // namespace mete::enforcers
