// SPDX-License-Identifier: Apache-2.0
// A moment at which many timers expire together, so that a thousand containers that are looked at once a second wake
// the loop ten times a second and not a thousand times.
#pragma once

#include <chrono>

namespace mete::agent {

// `in` from now, later by at most a tenth of a second. What is due within half a second is not moved: it was asked for
// because something is about to happen.
[[nodiscard]] constexpr std::chrono::steady_clock::time_point shared_wakeup(std::chrono::steady_clock::time_point now,
                                                                            std::chrono::nanoseconds in) {
  constexpr std::chrono::nanoseconds kStep = std::chrono::milliseconds(100);
  const auto exact = now + in;
  if (in < 5 * kStep) return exact;
  const auto rest = exact.time_since_epoch() % kStep;
  return rest == std::chrono::nanoseconds(0) ? exact : exact + (kStep - rest);
}

}  // namespace mete::agent
