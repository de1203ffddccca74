// SPDX-License-Identifier: Apache-2.0
// Detects a cgroup that is out of memory and in which the kernel finds no process that it may kill (all have an
// oom_score_adj of -1000, or cannot die). The kernel tries hundreds of times a second without a kill, and the processes
// that need memory stay blocked. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace mete::enforcers {

class OomWithoutVictim {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  struct Found {
    std::uint64_t times = 0;  // how often memory ran out without a kill
    std::chrono::nanoseconds in{};
  };

  // Records a wake-up by the kernel without a kill. `ooms`: the kernel's count of OOMs; empty (v1): each wake-up counts
  // as one. Returns a value when the group has just been found in that state: once for each time that it enters the
  // state.
  [[nodiscard]] std::optional<Found> see(Moment at, std::optional<std::uint64_t> ooms);
  // Called when a process was killed or the group has ended: the state is over.
  void forget();
  // True: the group was in that state a moment ago, so that its wake-ups say nothing new.
  [[nodiscard]] bool holds(Moment at) const;

 private:
  // True: the last record is old (processes that get no memory can take the CPU from all others, the agent included),
  // but the kernel's count has grown at the same rate since, so the state has lasted.
  [[nodiscard]] bool went_on(Moment at, std::optional<std::uint64_t> ooms) const;

  struct Seen {
    Moment since{}, last{};
    std::uint64_t first = 0, count = 0;
  };
  std::optional<Seen> seen_;
  bool told_ = false;
};

}  // namespace mete::enforcers
