// SPDX-License-Identifier: Apache-2.0
// Detects a cgroup that cannot get below its memory.high: the kernel only slows it down, and never kills it there.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/units.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// Stuck: at memory.high, all tasks waited for memory for this share of this time.
inline constexpr std::chrono::nanoseconds kStuckFor = std::chrono::seconds(10);
inline constexpr Ratio kStuckShare{800'000};

class StuckAtHigh {
 public:
  // Adds a sample. `stalled`: PSI's total of `full`, in nanoseconds. True: the group is stuck.
  [[nodiscard]] bool see(Moment at, Bytes usage, Bytes high, std::uint64_t stalled);
  void forget() { window_.forget(); }

 private:
  Window window_{kStuckFor};
};

}  // namespace mete::enforcers
