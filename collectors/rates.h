// SPDX-License-Identifier: Apache-2.0
// Rates between two samples of one cgroup. Pure. A counter that went backwards (the cgroup was made again) counts from
// zero: its new value is the increase.
#pragma once

#include <optional>

#include "collectors/kernel/sample.h"

namespace mete::collectors {

struct Rates {
  std::optional<double> cpu_cores;  // CPU seconds per second
  std::optional<double> cpu_user_cores, cpu_system_cores;
  std::optional<double> throttled_ratio;    // throttled periods / periods, 0 to 1; empty when no period passed
  std::optional<double> throttled_seconds;  // throttled time per second; may exceed 1, it is summed over CPUs
  std::optional<double> cpu_of_quota;       // cpu_cores / (quota / period)
  std::optional<double> memory_of_limit;    // working set / limit; empty without a limit
  std::optional<double> memory_growth;      // bytes per second of the working set; negative: it shrinks
  std::optional<double> page_faults, major_page_faults;  // per second
  std::optional<double> read_bytes, write_bytes;         // per second, all devices
  std::optional<double> receive_bytes, transmit_bytes;   // per second, all interfaces
  // share of wall time stalled, 0 to 1
  std::optional<double> cpu_waiting, memory_waiting, memory_stalled, io_waiting, io_stalled;
  Count oom_kills;  // new since `before`
};

// Every member is empty when `now` is not after `before`.
[[nodiscard]] Rates rates(const Sample& before, const Sample& now);

}  // namespace mete::collectors
