// SPDX-License-Identifier: Apache-2.0
// A cgroup that cannot get below its memory.high: the kernel lets it crawl for ever, since it never kills there. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "config/units.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// All of its tasks waited for memory for most of so long a time, at its memory.high.
inline constexpr std::chrono::nanoseconds kStuckFor = std::chrono::seconds(10);
inline constexpr Ratio kStuckShare{800'000};

class StuckAtHigh {
 public:
  // `stalled`: PSI's total of `full`, in nanoseconds. True: it is stuck.
  [[nodiscard]] bool see(Moment at, Bytes usage, Bytes high, std::uint64_t stalled);
  void forget() { window_.forget(); }

 private:
  Window window_{kStuckFor};
};

}  // namespace mete::enforcers
