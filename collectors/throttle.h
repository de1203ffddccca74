// SPDX-License-Identifier: Apache-2.0
// How long throttled stretches last. The kernel only sums them up (cpu.stat nr_throttled and throttled_time), so
// cpu.stat is read as often as there is throttling: at one read a period each stretch is seen by itself, at slower ones
// the mean of those between two reads stands for each of them.
#pragma once

#include <chrono>
#include <optional>

#include "collectors/reading.h"
#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct ThrottleCounters {
  std::uint64_t periods = 0;  // nr_throttled
  std::chrono::nanoseconds time{};
};

// Pure: adds what happened between two reads. Counters that went back (the cgroup was made again) count from zero.
void observe(ThrottleLengths& lengths, const ThrottleCounters& before, const ThrottleCounters& now);

// Pure: when to look again. 100 ms while it throttles, then twice as long each time nothing happened, up to 1 s; 10 s
// when no CPU time was used either.
[[nodiscard]] std::chrono::milliseconds next_interval(std::chrono::milliseconds last, bool throttled, bool ran);

class ThrottleWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // Keeps cpu.stat open. is_gone() when there is no such cgroup.
  [[nodiscard]] static Result<ThrottleWatch> open(const runtime::cgroup::Group& group, Clock::time_point now);

  // False: the cgroup is gone.
  bool read(Clock::time_point now);
  [[nodiscard]] Clock::time_point due() const { return due_; }
  [[nodiscard]] const ThrottleLengths& lengths() const { return lengths_; }

 private:
  explicit ThrottleWatch(runtime::UniqueFd file) : file_(std::move(file)) {}
  runtime::UniqueFd file_;
  std::optional<ThrottleCounters> last_;
  std::uint64_t periods_ = 0;  // nr_periods: passes only while something runs
  std::chrono::milliseconds interval_{100};
  Clock::time_point due_{};
  ThrottleLengths lengths_;
};

}  // namespace mete::collectors
