// SPDX-License-Identifier: Apache-2.0
// A container's usage over its life in some hundred numbers, from which requests and limits are advised. Pure.
#pragma once

#include <cstdint>

#include "config/base/fifo.h"
#include "config/base/units.h"
#include "config/model/pod_spec.h"
#include "enforcers/decaying_histogram.h"

namespace mete::enforcers {

struct UsageSample {
  WallTime at{};                     // end of the sample
  std::chrono::nanoseconds over{0};  // length of the sample
  double cores = 0;                  // mean use
  double throttled_cores = 0;        // mean wait because of a quota: cpu.stat's throttled time, summed over CPUs
  Bytes memory;                      // peak of the working set, among the values read
  std::uint64_t ooms = 0;            // kills during the sample, by the kernel or by a policy
};

class UsageModel {
 public:
  static constexpr auto kWindow = std::chrono::hours(24);  // each window contributes its memory peak
  static constexpr std::size_t kWindows = 8;
  static constexpr std::size_t kOoms = 32;

  UsageModel() : cpu(kCpuShape), memory(kMemoryShape), throttled(kThrottledShape) {}

  void add(const UsageSample& sample);
  [[nodiscard]] Bytes peak() const;  // of the windows kept, the present one included

  DecayingHistogram cpu;        // cores wanted: used and waited for
  DecayingHistogram memory;     // bytes: the peak of each window
  DecayingHistogram throttled;  // seconds waited, by the cores wanted at that time
  WallTime first{}, last{};     // begin of the first sample, end of the last
  std::uint64_t samples = 0;
  double throttled_seconds = 0;
  std::uint64_t ooms = 0;
  config::Fifo<Bytes> oom_wanted;  // memory that each of the last OOM kills would have needed, by the advisor's rule
  config::Fifo<Bytes> peaks;       // of the windows, the present one last
  WallTime window_end{};
  Bytes window_value;           // the present window's sample in `memory`; 0: none
  config::Resources resources;  // in force at the last sample

 private:
  void add_memory_peak(Bytes value, WallTime at);
};

}  // namespace mete::enforcers
