// SPDX-License-Identifier: Apache-2.0
// Detects a cgroup that cannot get below its memory.high: the kernel only slows it down, and never kills it there.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "config/base/units.h"
#include "enforcers/memory_watch.h"

namespace mete::enforcers {

// Stuck: at memory.high, all tasks waited for memory for this share of this time.
inline constexpr std::chrono::nanoseconds kStuckFor = std::chrono::seconds(10);
inline constexpr Ratio kStuckShare{800'000};

// Without PSI the counter `high` of memory.events tells: a task that cannot reclaim counts 17 of them (a try and 16
// more, mm/memcontrol.c) before it waits for 2 s. Valid only for a group with nearly no page cache, because a group
// that reclaims counts them too. Nanoseconds, as PSI's total.
[[nodiscard]] std::optional<std::uint64_t> stalled_at_high(std::uint64_t times, Bytes reclaimable, Bytes high);

class StuckAtHigh {
 public:
  // Adds a sample. `stalled`: PSI's total of `full`, in nanoseconds. True: the group is stuck.
  [[nodiscard]] bool see(Moment at, Bytes usage, Bytes high, std::uint64_t stalled);
  void forget() { window_.forget(); }

 private:
  Window window_{kStuckFor};
};

}  // namespace mete::enforcers
