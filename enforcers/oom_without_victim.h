// SPDX-License-Identifier: Apache-2.0
// Detects a cgroup that is out of memory and in which the kernel finds nobody that it may kill (all have an
// oom_score_adj of -1000, or cannot die): it tries hundreds of times a second, kills nobody, and whoever waits goes on
// waiting. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace mete::enforcers {

class OomWithoutVictim {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  struct Found {
    std::uint64_t times = 0;  // that memory ran out without a kill
    std::chrono::nanoseconds in{};
  };

  // The kernel has woken us, and there was no kill. `ooms`: its count of OOMs; empty (v1): each wake-up is one. Not
  // empty: the group has just been found to be in that state. Told once for each time that it gets into it.
  [[nodiscard]] std::optional<Found> see(Moment at, std::optional<std::uint64_t> ooms);
  // Somebody was killed, or the group has ended.
  void forget();
  // It was in that state a moment ago: its wake-ups say nothing new.
  [[nodiscard]] bool holds(Moment at) const;

 private:
  // Nobody looked for long, as who gets no memory may take the CPU from all others; the kernel's count grew as before.
  [[nodiscard]] bool went_on(Moment at, std::optional<std::uint64_t> ooms) const;

  struct Seen {
    Moment since{}, last{};
    std::uint64_t first = 0, count = 0;
  };
  std::optional<Seen> seen_;
  bool told_ = false;
};

}  // namespace mete::enforcers
