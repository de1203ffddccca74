// SPDX-License-Identifier: Apache-2.0
// Decides which memory rules of a policy fire now, and when to read again. Pure: observations and times in, indexes
// out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/base/fifo.h"
#include "config/base/units.h"
#include "config/model/policy.h"

namespace mete::enforcers {

using Moment = std::chrono::steady_clock::time_point;

// A share of a size, rounded down.
[[nodiscard]] Bytes share_of(Bytes whole, Ratio share);

// A rule that has fired at `share` is armed again when usage is below the returned share.
[[nodiscard]] Ratio armed_again_below(Ratio share);

// Remembers which thresholds have fired, so that usage that swings about a threshold does not fire it each time (flap
// damping). A rule is armed again when usage has fallen 5 % of the limit below it; a rule that raises the limit, when
// the limit has been raised. Repeatable actions (reclaim, kill) are repeated every second as long as usage stays above.
// When the rules change, a rule that stays keeps its state; a new rule is armed.
class ThresholdLatch {
 public:
  // Indexes of the `rules` that fire, in ascending order of their usage.
  [[nodiscard]] std::vector<std::size_t> crossed(std::span<const config::MemoryThreshold> rules, Bytes usage,
                                                 Bytes limit, Moment now);

 private:
  struct Fired {
    bool latched = false;
    Moment at{};
    Bytes limit;
  };
  void take(std::span<const config::MemoryThreshold> rules);

  std::vector<config::MemoryThreshold> rules_;
  std::vector<Fired> fired_;  // one per rule
};

// The growth of usage: a straight line through the samples of the last half second.
class FillRate {
 public:
  void see(Moment at, Bytes usage);
  [[nodiscard]] double bytes_per_second() const;  // negative: usage shrinks; 0 with fewer than two samples
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    Moment at;
    Bytes usage;
  };
  config::Fifo<Seen> seen_;
};

// The time until usage reaches the limit. Empty: usage does not grow, or needs more than a day.
[[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_limit(Bytes usage, Bytes limit, double bytes_per_second);

// The time until the next read: a quarter of the time in which usage would fill `headroom`, 10 ms to 1 s.
[[nodiscard]] std::chrono::nanoseconds next_look(Bytes headroom, double bytes_per_second);

// A growing total (stalled time, refaults) over a sliding window.
class Window {
 public:
  explicit Window(std::chrono::nanoseconds over) : over_(over) {}
  void see(Moment at, std::uint64_t total);
  // Growth over the whole window. Empty until the samples span the window.
  struct Growth {
    std::uint64_t by = 0;
    std::chrono::nanoseconds in{};
  };
  [[nodiscard]] std::optional<Growth> growth() const;
  // Growth between the last two samples: a reason to read more often.
  [[nodiscard]] std::optional<Growth> last() const;
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    Moment at;
    std::uint64_t total;
  };
  std::chrono::nanoseconds over_;
  config::Fifo<Seen> seen_;
};

// True: tasks were stalled (nanoseconds, PSI's total) for at least `share` of the time.
[[nodiscard]] bool stalls(const Window::Growth& stalled, Ratio share);
// True: `pages` of `page` bytes amount to at least `share` of the limit.
[[nodiscard]] bool thrashes(const Window::Growth& pages, Bytes page, Ratio share, Bytes limit);

}  // namespace mete::enforcers
