// SPDX-License-Identifier: Apache-2.0
// The kernel's numbers for one cgroup. Empty: the kernel gave no number; an empty value is never reported as 0. Each
// member names its v1 and v2 source. Counters count from the creation of the cgroup; gauges are values of the moment.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "collectors/kernel/box.h"
#include "collectors/kernel/known.h"
#include "config/base/units.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::collectors {

using Count = Known<std::uint64_t>;
using Time = Known<std::chrono::nanoseconds>;
using Size = Known<Bytes>;
using SizeLimit = Known<runtime::cgroup::Limit<Bytes>>;

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
  // CPUs that the group may run on, within those of its ancestors: cpuset.effective_cpus; cpuset.cpus.effective
  Count cpuset_cpus;
  std::optional<bool> memory_migrate;  // cpuset.memory_migrate; not on v2
};

// memory.events and memory.events.local: counters.
struct MemoryEvents {
  Count low, high, max, oom, oom_kill, oom_group_kill;
};

// Counters that only v2 has. They are read as seldom as settings.
struct MemoryMore {
  MemoryEvents local;                    // memory.events.local: of this group alone
  Count swap_high, swap_max, swap_fail;  // memory.swap.events
  Size swap_peak;                        // memory.swap.peak (6.5)
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
  Size anon_huge;                   // memory.stat total_rss_huge; anon_thp
  Size unevictable;                 // memory.stat total_unevictable; unevictable
  // memory.stat of v2: parts of `kernel`, and what zswap takes and holds
  Size slab, sock, percpu, pagetables, kernel_stack, vmalloc, zswap, zswapped;
  std::optional<bool> under_oom;         // memory.oom_control under_oom
  std::optional<bool> oom_kill_disable;  // memory.oom_control oom_kill_disable
  std::optional<bool> oom_group;         // memory.oom.group
  // counters
  Count failcnt;                         // memory.failcnt
  Count page_faults, major_page_faults;  // memory.stat total_pgfault...; pgfault, pgmajfault
  Count refault_file, refault_anon;      // memory.stat total_workingset_refault_*; workingset_refault_*
  Count scanned, stolen;                 // memory.stat pgscan, pgsteal
  Count oom_kills;                       // memory.oom_control oom_kill; memory.events oom_kill: processes killed
  // Each kill once, a whole group's too (runtime/cgroup/memory/oom_kills.h): not read from a file, but set by the
  // Reader.
  Count oom_events;
  Count events_low, events_high, events_max, events_oom, events_oom_group_kill;  // memory.events
  // settings
  SizeLimit limit;        // memory.limit_in_bytes; memory.max
  SizeLimit memsw_limit;  // memory.memsw.limit_in_bytes
  SizeLimit swap_limit;   // memory.swap.max
  SizeLimit soft_limit;   // memory.soft_limit_in_bytes; memory.low
  SizeLimit high, min;    // memory.high, memory.min

  Box<MemoryMore> more;

  // usage - inactive_file, at least 0: Kubernetes' definition of the working set.
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
  Count processes;  // lines of cgroup.procs
};

enum class TaskState : std::uint8_t { kSleeping, kRunning, kStopped, kUninterruptible };
inline constexpr std::size_t kTaskStates = 4;

// Facts about the group's own processes (nested groups left out) that only /proc/PID has. Off by default, by collector:
// each process costs a file or more. See process_walk.h.
struct ProcessesSample {
  // gauges
  Count descriptors;                       // /proc/PID/fd
  Count sockets;                           // /proc/PID/fd/*: "socket:"
  std::optional<std::int64_t> open_files;  // /proc/PID/limits of the first process, soft; -1 unlimited
  std::optional<std::array<std::uint64_t, kTaskStates>> tasks;  // by state: /proc/PID/task/*/stat
  Count load, load_d;  // thousandths of a task: running, uninterruptible; mean over 10 s
  // counters, with tasks that have ended: /proc/PID/task/*/schedstat
  Time run, run_queue;
  Count run_periods;
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
  ShortText<31> name;  // "vda" in /proc/diskstats; empty when the device has no line there
  Size read_bytes, write_bytes, discard_bytes;
  Count reads, writes, discards;
};

// The rarer counters of one block device.
struct DeviceDetail {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  ShortText<31> name;
  Time cost_usage, cost_wait, cost_indebt, cost_indelay;  // io.stat cost.*: io.cost is on
  // v1: blkio.bfq.*_recursive (kernels with debugging of bfq), blkio.*_recursive (cfq, before 5.0)
  Size sync_bytes, async_bytes;         // the same bytes, divided another way
  Count sectors;                        // sectors
  Count reads_merged, writes_merged;    // io_merged
  Time read_time, write_time, io_time;  // io_service_time
  Count queued;                         // io_queued: gauge
};

// memory.numa_stat in pages (v1's unit; v2's bytes are converted). Gauges.
struct NumaSample {
  std::uint32_t node = 0;
  Count file, anon, unevictable;                       // of this group alone; not on v2
  Count nested_file, nested_anon, nested_unevictable;  // with the groups below it
};

// hugetlb.SIZE.*
struct HugetlbSample {
  ShortText<7> page_size;  // "2MB"
  Size usage;              // .usage_in_bytes; .current: pages in use
  Size max_usage;          // .max_usage_in_bytes; not on v2
  Count failcnt;           // .failcnt; .events max. Counter
  Size limit;              // .limit_in_bytes; .max
  // the same for reservations (rsvd, 5.7): memory that was mapped, whether used or not
  Size reserved, max_reserved;
  Count reserve_failcnt;
};

// Counters of one network interface, /proc/PID/net/dev.
struct InterfaceSample {
  ShortText<15> name;
  Size receive_bytes, transmit_bytes;
  Count receive_packets, receive_errors, receive_dropped;
  Count transmit_packets, transmit_errors, transmit_dropped;
};

// Gauges of a network namespace, from /proc/PID/net/{tcp,tcp6,udp,udp6}. Off by default: the kernel lists every socket.
inline constexpr std::array<std::string_view, 11> kTcpStates = {
    "established", "synsent",   "synrecv", "finwait1", "finwait2", "timewait",
    "close",       "closewait", "lastack", "listen",   "closing"};  // in the kernel's numbering, from 1
using TcpSample = std::array<std::uint64_t, kTcpStates.size()>;
struct UdpSample {
  std::uint64_t listen = 0, dropped = 0, rxqueued = 0, txqueued = 0;
};
// A line of /proc/PID/net/snmp "Tcp:" or netstat "TcpExt:".
struct NamedCount {
  ShortText<31> name;  // "currestab": in lower case
  std::int64_t value = 0;
};
struct SocketsSample {
  std::optional<TcpSample> tcp, tcp6;
  std::optional<UdpSample> udp, udp6;
  std::vector<NamedCount> snmp, netstat;
};

// cgroup.stat, cgroup.events (cgroup2; on hybrid the twin's), freezer.state (v1). Gauges.
struct GroupSample {
  Count descendants;              // nr_descendants
  Count dying_descendants;        // nr_dying_descendants: removed, but still charged for something
  std::optional<bool> frozen;     // cgroup.events frozen
  std::optional<bool> frozen_v1;  // freezer.state; on hybrid a group may be frozen by either
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
  std::vector<DeviceDetail> device_details;
  std::vector<NumaSample> numa;
  std::vector<HugetlbSample> hugetlb;
  Box<ProcessesSample> processes;
  Box<SocketsSample> sockets;
  GroupSample group;
  PressureSample cpu_pressure, memory_pressure, io_pressure, irq_pressure;
};

}  // namespace mete::collectors
