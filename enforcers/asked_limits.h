// SPDX-License-Identifier: Apache-2.0
// Maps requests, limits and policy to the values of control files. Pure; the mapping is Kubernetes' own
// (pkg/kubelet/cm/helpers_linux.go): shares from the CPU request, quota from the limit, 100 ms periods.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model/pod_spec.h"
#include "config/model/policy.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limits.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::enforcers {

// The kernel's bounds of cpu.shares (kernel/sched/sched.h).
constexpr std::uint64_t kLeastShares = 2;
constexpr std::uint64_t kMostShares = 262144;
[[nodiscard]] constexpr std::uint64_t clamped_shares(std::uint64_t shares) {
  return std::clamp(shares, kLeastShares, kMostShares);
}

// 1 core = 1024 shares, within those bounds. No request counts as 0, and so gives the least.
[[nodiscard]] std::uint64_t cpu_shares(std::optional<MilliCpu> request);

// quota = limit * period, at least 1 ms. No limit: unlimited.
[[nodiscard]] runtime::cgroup::CpuBandwidth cpu_bandwidth(std::optional<MilliCpu> limit);

// Facts about the machine that limits on IO depend on.
struct IoFacts {
  std::map<std::string, std::string> disks;  // path of a bound -> "8:0"; a path that is on no disk is left out
  // Path of a weight -> "8:0"; a disk whose scheduler has no weights is left out.
  std::map<std::string, std::string> weighted_disks;
  bool has_weight = false;   // the kernel has an IO scheduler with weights
  bool has_latency = false;  // the kernel has io.latency
};

// Adds the policy's IO limits to `limits`.
void add_io(const config::IoPolicy& policy, const IoFacts& facts, runtime::cgroup::Limits& limits);

// The policy's devices as rules that follow the default rules of every container. `devices`: the machine's devices by
// path.
[[nodiscard]] std::vector<runtime::cgroup::DeviceRule> device_rules(
    const config::DevicePolicy& policy, const std::map<std::string, runtime::process::DeviceSpec>& devices);

[[nodiscard]] runtime::cgroup::DeviceRule device_rule(const runtime::process::DeviceSpec& device,
                                                      const std::string& access);
// What a docker client allows by number.
[[nodiscard]] std::vector<runtime::cgroup::DeviceRule> device_rules(const std::vector<config::DeviceRange>& ranges);

// The parts of the policy that cgroups of this kind do not support, one sentence each.
[[nodiscard]] std::vector<std::string> not_to_be_had(const config::Policy& policy,
                                                     const runtime::cgroup::Hierarchies& machine);

// The limits of a container's cgroup. `policy` may be null; a policy in dry run changes nothing. A limit that the
// machine does not support (swap accounting off, no hugetlb controller) is left out where Kubernetes leaves it out.
[[nodiscard]] runtime::cgroup::Limits container_limits(const config::Container& container, const config::Policy* policy,
                                                       const runtime::cgroup::Hierarchies& machine,
                                                       const IoFacts& io = {});

// `after`, with explicit resets of the limits that only `before` sets: no burst, no bound on processes, unlimited
// disks.
[[nodiscard]] runtime::cgroup::Limits changed_limits(const runtime::cgroup::Limits& before,
                                                     runtime::cgroup::Limits after);

// The limits of the pod's own cgroup, the parent of its containers' cgroups: the sum over the containers, unlimited
// where one container has no limit. Init containers run one at a time and count by the largest; sidecars among them
// count for as long as they run. A pod of one container gets only its weight, and on v2 its memory request, because the
// kernel distributes protection from the root downwards. The resources of the whole pod (PodSpec::resources), where it
// has them, count in place of the sum. Its limit on processes is the pod's alone.
[[nodiscard]] runtime::cgroup::Limits pod_limits(const config::PodSpec& spec,
                                                 const runtime::cgroup::Hierarchies& machine);

}  // namespace mete::enforcers
