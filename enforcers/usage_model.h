// SPDX-License-Identifier: Apache-2.0
// What a container has used over its life, in some hundred numbers, from which requests and limits are advised. Pure.
#pragma once

#include <cstdint>
#include <deque>

#include "config/pod_spec.h"
#include "config/units.h"
#include "enforcers/decaying_histogram.h"

namespace mete::enforcers {

struct UsageSample {
  WallTime at{};                     // its end
  std::chrono::nanoseconds over{0};  // how long it is
  double cores = 0;                  // used, on average
  double throttled_cores = 0;  // waited for, because of a quota: cpu.stat's throttled time, which is summed over CPUs
  Bytes memory;                // peak of the working set, as well as it was looked at
  std::uint64_t ooms = 0;      // kills within it, by the kernel or by a policy
};

class UsageModel {
 public:
  static constexpr auto kWindow = std::chrono::hours(24);  // of which the memory's peak counts
  static constexpr std::size_t kWindows = 8;
  static constexpr std::size_t kOoms = 32;

  UsageModel() : cpu(kCpuShape), memory(kMemoryShape), throttled(kThrottledShape) {}

  void add(const UsageSample& sample);
  [[nodiscard]] Bytes peak() const;  // of the windows kept, the present one included

  DecayingHistogram cpu;        // cores wanted: used and waited for
  DecayingHistogram memory;     // bytes: the peak of each window
  DecayingHistogram throttled;  // seconds waited, by the cores that were wanted meanwhile
  WallTime first{}, last{};     // begin of the first sample, end of the last
  std::uint64_t samples = 0;
  double throttled_seconds = 0;
  std::uint64_t ooms = 0;
  std::deque<Bytes> oom_wanted;  // what each of the last OOM kills would have needed, by the advisor's rule
  std::deque<Bytes> peaks;       // of the windows, the present one last
  WallTime window_end{};
  Bytes window_value;           // what of the present window is in `memory`; 0: nothing
  config::Resources resources;  // in force at the last sample

 private:
  void see_memory(Bytes value, WallTime at);
};

}  // namespace mete::enforcers
