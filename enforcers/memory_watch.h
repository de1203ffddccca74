// SPDX-License-Identifier: Apache-2.0
// Which of a Policy's memory rules fire now, and when to look again. Pure: observations and times in, indexes out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "config/policy.h"
#include "config/units.h"

namespace mete::enforcers {

using Moment = std::chrono::steady_clock::time_point;

// A share of a size, rounded down.
[[nodiscard]] Bytes share_of(Bytes whole, Ratio share);

// A rule that has fired at this share is armed again when usage is below that one.
[[nodiscard]] Ratio armed_again_below(Ratio share);

// Remembers which thresholds have fired, so that usage that swings about one does not set it off each time (flap
// damping). A rule is armed again when usage has fallen 5 % of the limit below it, and one that raises the limit when
// it has been raised. What goes on helping (reclaim, kill) is repeated every second for as long as usage stays above.
// Rules that change take what they have done along; a new one has done nothing yet.
class ThresholdLatch {
 public:
  // Indexes into `rules` that fire, in ascending order of their usage.
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
  std::vector<Fired> fired_;  // of each
};

// How fast usage grows: a straight line through the samples of the last half second.
class FillRate {
 public:
  void see(Moment at, Bytes usage);
  [[nodiscard]] double bytes_per_second() const;  // negative when it shrinks; 0 with fewer than two samples
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    Moment at;
    Bytes usage;
  };
  std::deque<Seen> seen_;
};

// Empty: it does not grow, or not within a day.
[[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_limit(Bytes usage, Bytes limit, double bytes_per_second);

// When usage is to be looked at next: a quarter of the time in which it would fill `headroom`, 10 ms to 1 s.
[[nodiscard]] std::chrono::nanoseconds next_look(Bytes headroom, double bytes_per_second);

// A growing total (stalled time, refaults) over a sliding window.
class Window {
 public:
  explicit Window(std::chrono::nanoseconds over) : over_(over) {}
  void see(Moment at, std::uint64_t total);
  // By how much it grew over the whole window. Empty until the window was seen as a whole.
  struct Growth {
    std::uint64_t by = 0;
    std::chrono::nanoseconds in{};
  };
  [[nodiscard]] std::optional<Growth> growth() const;
  // By how much it grew between the last two samples: says whether to look more often.
  [[nodiscard]] std::optional<Growth> last() const;
  void forget() { seen_.clear(); }

 private:
  struct Seen {
    Moment at;
    std::uint64_t total;
  };
  std::chrono::nanoseconds over_;
  std::deque<Seen> seen_;
};

// Was `stalled` (nanoseconds, PSI's total) at least `share` of the time?
[[nodiscard]] bool stalls(const Window::Growth& stalled, Ratio share);
// Were `pages` of `page` bytes at least `share` of the limit?
[[nodiscard]] bool thrashes(const Window::Growth& pages, Bytes page, Ratio share, Bytes limit);

}  // namespace mete::enforcers
