// SPDX-License-Identifier: Apache-2.0
// What the kernel said about one cgroup. Empty = the kernel did not say, never 0. Each member names its v1 and v2
// source. Counters are since the cgroup was made, gauges are of the moment.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/units.h"
#include "runtime/cgroup/limits.h"

namespace mete::collectors {

using Count = std::optional<std::uint64_t>;
using Time = std::optional<std::chrono::nanoseconds>;
using Size = std::optional<Bytes>;
using SizeLimit = std::optional<runtime::cgroup::Limit<Bytes>>;

struct CpuSample {
  // counters
  Time usage;                                     // cpuacct.usage; cpu.stat usage_usec
  Time user;                                      // cpuacct.stat user (USER_HZ ticks); cpu.stat user_usec
  Time system;                                    // cpuacct.stat system; cpu.stat system_usec
  std::vector<std::chrono::nanoseconds> per_cpu;  // cpuacct.usage_percpu; not on v2. Off by default
  Count periods;                                  // cpu.stat nr_periods
  Count throttled_periods;                        // cpu.stat nr_throttled
  Time throttled;        // cpu.stat throttled_time; throttled_usec: by its own quota, summed over CPUs
  Count burst_periods;   // cpu.stat nr_bursts
  Time burst;            // cpu.stat burst_time; burst_usec
  Time throttled_local;  // cpu.stat.local throttled_time; throttled_usec: ancestors' quotas included
  // settings
  Time quota;        // cpu.cfs_quota_us; cpu.max. Empty when unlimited
  Time period;       // cpu.cfs_period_us; cpu.max
  Time burst_limit;  // cpu.cfs_burst_us; cpu.max.burst
  Count shares;      // cpu.shares; cpu.weight converted (cpu_shares_of_weight)
};

struct MemorySample {
  // gauges
  Size usage;                       // memory.usage_in_bytes; memory.current
  Size max_usage;                   // memory.max_usage_in_bytes; memory.peak (5.19)
  Size memsw_usage;                 // memory.memsw.usage_in_bytes
  Size kernel_usage;                // memory.kmem.usage_in_bytes; memory.stat kernel (5.18)
  Size rss, cache, mapped_file;     // memory.stat total_rss, total_cache, total_mapped_file; anon, file, file_mapped
  Size swap;                        // memory.stat total_swap; memory.swap.current
  Size active_file, inactive_file;  // memory.stat total_active_file...; active_file...
  Size active_anon, inactive_anon;  // memory.stat total_active_anon...; active_anon...
  Size dirty, writeback;            // memory.stat total_dirty, total_writeback; file_dirty, file_writeback
  Size shmem;                       // memory.stat total_shmem; shmem
  std::optional<bool> under_oom;    // memory.oom_control under_oom
  std::optional<bool> oom_kill_disable;  // memory.oom_control oom_kill_disable
  std::optional<bool> oom_group;         // memory.oom.group
  // counters
  Count failcnt;                         // memory.failcnt
  Count page_faults, major_page_faults;  // memory.stat total_pgfault...; pgfault, pgmajfault
  Count refault_file, refault_anon;      // memory.stat total_workingset_refault_*; workingset_refault_*
  Count scanned, stolen;                 // memory.stat pgscan, pgsteal
  Count oom_kills;                       // memory.oom_control oom_kill; memory.events oom_kill: processes killed
  Count events_low, events_high, events_max, events_oom, events_oom_group_kill;  // memory.events
  // settings
  SizeLimit limit;        // memory.limit_in_bytes; memory.max
  SizeLimit memsw_limit;  // memory.memsw.limit_in_bytes
  SizeLimit swap_limit;   // memory.swap.max
  SizeLimit soft_limit;   // memory.soft_limit_in_bytes; memory.low
  SizeLimit high, min;    // memory.high, memory.min

  // Kills of this group, each event once: group kills when memory.oom.group is set and counted by the kernel (5.17).
  [[nodiscard]] Count oom_kill_events() const {
    return oom_group.value_or(false) && events_oom_group_kill ? events_oom_group_kill : oom_kills;
  }
  // usage - inactive_file, at least 0: what Kubernetes calls the working set.
  [[nodiscard]] Size working_set() const {
    if (!usage || !inactive_file) return usage;
    return *inactive_file < *usage ? *usage - *inactive_file : Bytes(0);
  }
};

struct PidsSample {
  Count current;    // pids.current: tasks, threads counted
  Count peak;       // pids.peak (6.1)
  Count max;        // pids.max; empty when unlimited
  Count refused;    // pids.events max: forks refused (counter)
  Count processes;  // lines of cgroup.procs; off by default, it costs
};

// A short text of fixed capacity, so that a warm read allocates nothing. Longer text is cut.
template <std::size_t N>
class ShortText {
 public:
  ShortText() = default;
  explicit ShortText(std::string_view text) : size_(static_cast<std::uint8_t>(text.size() < N ? text.size() : N)) {
    text.copy(data_.data(), size_);
  }
  [[nodiscard]] std::string_view view() const { return {data_.data(), size_}; }
  bool operator==(const ShortText& other) const { return view() == other.view(); }

 private:
  static_assert(N < 256);
  std::array<char, N> data_{};
  std::uint8_t size_ = 0;
};

// Counters of one block device. v1 blkio.throttle.io_service_bytes_recursive, io_serviced_recursive; v2 io.stat.
struct DeviceSample {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  ShortText<31> name;  // "vda" by /proc/diskstats; empty when it has no such line
  Size read_bytes, write_bytes, discard_bytes;
  Count reads, writes, discards;
};

// Counters of one network interface, /proc/PID/net/dev.
struct InterfaceSample {
  ShortText<15> name;
  Size receive_bytes, transmit_bytes;
  Count receive_packets, receive_errors, receive_dropped;
  Count transmit_packets, transmit_errors, transmit_dropped;
};

// Stall time, counters: the `total` of "some" (waiting) and "full" (stalled) of <subject>.pressure (cgroup2; on hybrid
// the twin's).
struct PressureSample {
  Time some, full;
};

struct Sample {
  std::chrono::steady_clock::time_point at{};         // when the read began; for rates
  std::chrono::system_clock::time_point wall_time{};  // the same on the calendar; container_last_seen
  CpuSample cpu;
  MemorySample memory;
  PidsSample pids;
  std::vector<DeviceSample> devices;
  std::vector<InterfaceSample> interfaces;
  PressureSample cpu_pressure, memory_pressure, io_pressure, irq_pressure;
};

}  // namespace mete::collectors
