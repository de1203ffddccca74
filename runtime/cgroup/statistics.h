// SPDX-License-Identifier: Apache-2.0
// All usage of a cgroup in one call, as the kernel counts it: for a report to a person or program that asks now and
// then (`mete-oci events --stats`). Code that measures all the time keeps the files open instead: collectors/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// An empty optional: this machine does not tell, or there is no such limit. Times are nanoseconds, sizes bytes.
struct Statistics {
  struct Cpu {
    std::optional<std::uint64_t> total, kernel, user;
    std::vector<std::uint64_t> each;  // by CPU; v1 alone
    std::uint64_t periods = 0, throttled_periods = 0, throttled_time = 0;
  };
  struct Memory {
    std::vector<std::pair<std::string, std::uint64_t>> table;  // memory.stat, in its order
    std::uint64_t cache = 0;
    std::optional<std::uint64_t> limit, usage, peak;      // an unlimited v1 group has its largest number for a limit
    std::uint64_t refused = 0;                            // times that the limit was reached
    std::optional<std::uint64_t> swap_limit, swap_usage;  // v1: of memory and swap together
  };
  struct Disk {
    std::uint64_t major = 0, minor = 0;
    std::string operation;  // "Read", "Write", and others on v1
    std::uint64_t value = 0;
  };
  Cpu cpu;
  Memory memory;
  std::optional<std::vector<Disk>> io_bytes, io_operations;
  std::optional<std::uint64_t> pids, pids_limit;
};

// All values are empty for a group that is gone.
[[nodiscard]] Statistics read_statistics(const Group& group);

}  // namespace mete::runtime::cgroup
