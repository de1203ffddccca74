// SPDX-License-Identifier: Apache-2.0
// The distribution of the lengths of throttled stretches. The kernel keeps only sums (cpu.stat nr_throttled and
// throttled_time), so cpu.stat is read as often as the group is throttled. With one read per period each stretch is
// measured by itself; with slower reads every stretch between two reads is recorded with their mean length.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "collectors/reading.h"
#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct ThrottleCounters {
  std::uint64_t periods = 0;  // nr_throttled
  std::chrono::nanoseconds time{};
};

// Pure: adds the stretches between two reads to `lengths`. A counter that went back (the cgroup was made again) counts
// from zero.
void observe(ThrottleLengths& lengths, const ThrottleCounters& before, const ThrottleCounters& now);

// Pure: the time until the next read. 100 ms while the group is throttled; doubled after each read without throttling,
// up to 1 s; 10 s when the group used no CPU time either.
[[nodiscard]] std::chrono::milliseconds next_interval(std::chrono::milliseconds last, bool throttled, bool ran);

// Pure: `now` and `interval` later. Reads that are seldom fall on ticks of 250 ms, so that a thousand idle groups wake
// their thread four times a second and not a hundred times.
[[nodiscard]] std::chrono::steady_clock::time_point next_read(std::chrono::steady_clock::time_point now,
                                                              std::chrono::milliseconds interval);

class ThrottleWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // Opens cpu.stat. The file stays open while it is read more often than every few seconds: the descriptors of a
  // thousand idle groups are worth more than a hundred opens a second. An error for which is_gone() is true: the cgroup
  // does not exist.
  [[nodiscard]] static Result<ThrottleWatch> open(const runtime::cgroup::Group& group, Clock::time_point now);

  // False: the cgroup has been removed. After a read it is due later than `now`.
  bool read(Clock::time_point now);
  [[nodiscard]] Clock::time_point due() const { return due_; }
  // Never changed: each read that finds a stretch makes another one, so that a reading may keep it.
  [[nodiscard]] const std::shared_ptr<const ThrottleLengths>& lengths() const { return lengths_; }

 private:
  ThrottleWatch(runtime::cgroup::Group group, runtime::UniqueFd file);
  runtime::cgroup::Group group_;
  runtime::UniqueFd file_;
  std::optional<ThrottleCounters> last_;
  std::uint64_t periods_ = 0;  // nr_periods: counts only while something runs
  std::chrono::milliseconds interval_{100};
  Clock::time_point due_{};
  std::shared_ptr<const ThrottleLengths> lengths_;
};

}  // namespace mete::collectors
