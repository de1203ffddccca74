// SPDX-License-Identifier: Apache-2.0
// The limits of a cgroup, in units that belong to no cgroup version.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/box.h"
#include "config/base/units.h"

namespace mete::runtime::cgroup {

// A bound that may be none: the kernel's "-1" (v1) and "max" (v2).
template <class T>
class Limit {
 public:
  constexpr Limit() = default;                               // unlimited
  constexpr Limit(T value) : value_(value), bound_(true) {}  // NOLINT(google-explicit-constructor): a bound is a limit
  [[nodiscard]] static constexpr Limit unlimited() { return Limit(); }
  [[nodiscard]] constexpr bool is_unlimited() const { return !bound_; }
  [[nodiscard]] constexpr T value_or(T otherwise) const { return bound_ ? value_ : otherwise; }
  [[nodiscard]] constexpr T value() const { return value_; }  // only when not unlimited
  constexpr bool operator==(const Limit&) const = default;

 private:
  T value_{};
  bool bound_ = false;
};

// CPU bandwidth: `quota` of CPU time in every `period`. quota may exceed period (several cores).
// v1 cpu.cfs_quota_us + cpu.cfs_period_us, v2 cpu.max. Kernel's range: period 1 ms to 1 s, quota at least 1 ms.
struct CpuBandwidth {
  Limit<std::chrono::microseconds> quota;
  std::chrono::microseconds period{100'000};
  bool operator==(const CpuBandwidth&) const = default;
};

// The limits for one disk. An empty field is no limit.
struct IoLimit {
  std::optional<std::uint64_t> read_bps, write_bps;    // bytes a second
  std::optional<std::uint64_t> read_iops, write_iops;  // operations a second
  std::optional<std::chrono::microseconds> latency;    // (v2) io.latency: target for its requests; 0: no target
  bool operator==(const IoLimit&) const = default;
};

// An empty field means "leave alone". Fields marked (v2) are not available where the memory controller is on v1, fields
// marked (v1) not where their controller is on v2: setting one there is an error that says so.
struct Limits {
  std::optional<std::uint64_t>
      cpu_shares;  // 2..262144, 1024 = a default; v1 cpu.shares, v2 cpu.weight (cpu_weight_of_shares)
  std::optional<CpuBandwidth> cpu_bandwidth;
  std::optional<std::chrono::microseconds> cpu_burst;  // 0..quota; v1 cpu.cfs_burst_us, v2 cpu.max.burst
  // (v1) cpu.rt_period_us, cpu.rt_runtime_us: CPU time for realtime processes; the runtime is at most the period.
  std::optional<std::chrono::microseconds> rt_period, rt_runtime;
  std::optional<bool> cpu_idle;  // SCHED_IDLE for the whole group; cpu.idle on both
  std::string cpuset_cpus;       // "0-1,3"; empty: leave alone; cpuset.cpus
  std::string cpuset_mems;       // "0"; empty: leave alone; cpuset.mems

  std::optional<Limit<Bytes>> memory;  // v1 memory.limit_in_bytes, v2 memory.max; the kernel rounds down to pages
  std::optional<Limit<Bytes>>
      swap;  // swap alone, on top of `memory`; v1 memory.memsw.limit_in_bytes = memory + swap, v2 memory.swap.max
  std::optional<Limit<Bytes>> memory_soft;  // v1 memory.soft_limit_in_bytes, v2 memory.low
  std::optional<Limit<Bytes>> memory_high;  // (v2) memory.high: throttles and reclaims, never kills
  std::optional<Limit<Bytes>> memory_min;   // (v2) memory.min: never reclaimed below
  std::optional<Limit<Bytes>> kernel_tcp;  // (v1) memory.kmem.tcp.limit_in_bytes: buffers of TCP, counted by themselves
  std::optional<bool> oom_group;  // (v2) memory.oom.group: an OOM kill takes the whole group. false is fine on v1

  // v1 memory.oom_control: a process that hits the limit blocks until memory is freed or the limit is raised, instead
  // of being killed. v2 has nothing like it: only false is accepted there.
  std::optional<bool> oom_kill_disable;

  // By disk, "8:0". v1 blkio.throttle.*, which charges buffered writes to the thread that flushes them; v2 io.max.
  Rare<std::map<std::string, IoLimit>> io;
  // 1..10000, 100 = a default. v1 blkio.bfq.weight (1..1000), v2 io.weight; both only where the kernel has a scheduler
  // for it.
  std::optional<std::uint64_t> io_weight;
  // By disk, in place of io_weight: 1..1000; 0: none of its own. v1 blkio.bfq.weight_device, v2 io.bfq.weight.
  Rare<std::map<std::string, std::uint64_t>> io_disk_weights;

  std::optional<Limit<std::uint64_t>> pids;           // tasks, threads counted; pids.max on both
  std::optional<std::uint32_t> net_class;             // (v1) net_cls.classid: 0xMAJORMINOR; 0: none
  Rare<std::map<std::string, Limit<Bytes>>> hugetlb;  // page size as in the file names ("2MB") -> limit

  bool operator==(const Limits&) const = default;
};

// Splits the limits by subject (CPU, cpuset, memory, IO, the rest), so that a refusal in one subject does not keep the
// limits of the others from being written. Empty parts are left out.
[[nodiscard]] std::vector<Limits> parts_of(const Limits& limits);

// Converts OCI's memory.swap (v1's meaning: memory and swap together) to Limits::swap.
[[nodiscard]] constexpr Limit<Bytes> swap_alone(Limit<Bytes> memory_and_swap, Limit<Bytes> memory) {
  if (memory_and_swap.is_unlimited() || memory.is_unlimited()) return {};
  return memory_and_swap.value() > memory.value() ? memory_and_swap.value() - memory.value() : Bytes(0);
}

// cpu.shares <-> cpu.weight by the conversion Kubernetes published with runc 1.3.2 and crun 1.23 (the quadratic one:
// 2 -> 1, 1024 -> 100, 262144 -> 10000, so that both defaults meet), not the linear one of KEP-2254 before it.
[[nodiscard]] std::uint64_t cpu_weight_of_shares(std::uint64_t shares);
// The largest shares value that gives this weight: 100 -> 1024.
[[nodiscard]] std::uint64_t cpu_shares_of_weight(std::uint64_t weight);

}  // namespace mete::runtime::cgroup
