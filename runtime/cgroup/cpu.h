// SPDX-License-Identifier: Apache-2.0
// A cgroup's CPU time, its bandwidth and its CPUs. An empty value: the group is gone, or has no such limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

// CPU time so far, groups below it included: cpuacct.usage; usage_usec of cpu.stat. One file.
[[nodiscard]] std::optional<std::chrono::nanoseconds> cpu_usage(const Group& group);

struct CpuCounters {
  std::chrono::nanoseconds usage{};
  std::uint64_t periods = 0;    // of the quota, in which something ran
  std::uint64_t throttled = 0;  // of these, periods in which the group was stopped
};
// v1: two files; v2: one.
[[nodiscard]] std::optional<CpuCounters> cpu_counters(const Group& group);
// The file of periods and throttling (cpu.stat), for a reader that keeps it open. Times in it are nanoseconds on v1
// (throttled_time) and microseconds on v2 (throttled_usec).
[[nodiscard]] Result<UniqueFd> open_cpu_stat(const Group& group);

// Its own quota. Empty: none. One file.
[[nodiscard]] std::optional<std::chrono::microseconds> cpu_quota(const Group& group);
// Quota and period. Empty: no quota. v1: two files; v2: one.
[[nodiscard]] std::optional<CpuBandwidth> cpu_bandwidth(const Group& group);
// Takes its quota away, if it has one, for processes that are to die: who is throttled dies only when the next period
// begins. Groups above keep theirs.
void lift_cpu_quota(const Group& group);
// Is this one of the files that hold them, on either version?
[[nodiscard]] bool is_cpu_bandwidth(std::string_view file);

// SCHED_IDLE for the whole group (Limits::cpu_idle). Also false when the group is gone or the kernel has no cpu.idle.
[[nodiscard]] bool is_cpu_idle(const Group& group);
// A group that becomes idle loses its weight, and has the default weight when the idle state ends. So this function
// stores the weight in an extended attribute of the group when `limits` make it idle, and adds it to `limits` that end
// the idle state and name no weight. Where the attribute cannot be written, the group gets the default weight.
void keep_weight_over_idle(const Group& group, Limits& limits);

// Lists of CPUs as the kernel writes them ("0-2,5\n"). The CPUs that are set for this group (Limits::cpuset_cpus); on
// v2 an empty text means "as the parent".
[[nodiscard]] Result<std::string> assigned_cpus(const Group& group);
// The CPUs that groups below it can be given.
[[nodiscard]] Result<std::string> cpus_to_assign(const Group& group);
// The CPUs that its processes run on: those that are set for it, less those that are offline or that groups above do
// not have.
[[nodiscard]] Result<std::string> effective_cpus(const Group& group);
// v1: groups that are made below it from now on, and below those, begin with the CPUs and nodes of their parent. Else
// each has to be filled, and for every write to cpuset.cpus the kernel walks all groups and makes new scheduling
// domains. Does nothing where that cannot be set.
void let_groups_inherit_cpus(const Group& group);
// The setting's name for messages.
inline constexpr std::string_view kCpusetCpus = "cpuset.cpus";

}  // namespace mete::runtime::cgroup
