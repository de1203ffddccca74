// SPDX-License-Identifier: Apache-2.0
// The machine's idle CPU time over about the last second, from /proc/stat.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/base/units.h"

namespace mete::agent {

struct CpuTimes {
  std::uint64_t idle = 0, all = 0;  // ticks since the boot, over all CPUs
};
// The first line of /proc/stat; guest time is in user time already. Empty: the text is not such a line.
[[nodiscard]] std::optional<CpuTimes> parse_cpu_times(std::string_view text);

class IdleCpu {
 public:
  // Idle cores; empty: not known yet, or /proc/stat cannot be read. The file is read at most once a second, however
  // often this is called.
  [[nodiscard]] std::optional<double> cores();
  // CPU time that is reserved for the system counts as used.
  void reserve(MilliCpu cpu) { reserved_ = cpu; }
  [[nodiscard]] static unsigned cpus();

 private:
  std::chrono::steady_clock::time_point read_at_{};
  CpuTimes last_;
  MilliCpu reserved_;
  std::optional<double> share_;
};

}  // namespace mete::agent
