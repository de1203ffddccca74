// SPDX-License-Identifier: Apache-2.0
// How much of the machine's CPUs nobody uses: /proc/stat, over about the last second.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/units.h"

namespace mete::agent {

struct CpuTimes {
  std::uint64_t idle = 0, all = 0;  // ticks since the boot, over all CPUs
};
// The first line of /proc/stat; guest time is in user time already. Empty: it is none.
[[nodiscard]] std::optional<CpuTimes> parse_cpu_times(std::string_view text);

class IdleCpu {
 public:
  // Cores; empty: not known yet, or /proc/stat cannot be read. Costs a read a second, however often it is asked.
  [[nodiscard]] std::optional<double> cores();
  // What is kept for the system counts as in use.
  void reserve(MilliCpu cpu) { reserved_ = cpu; }
  [[nodiscard]] static unsigned cpus();

 private:
  std::chrono::steady_clock::time_point read_at_{};
  CpuTimes last_;
  MilliCpu reserved_;
  std::optional<double> share_;
};

}  // namespace mete::agent
