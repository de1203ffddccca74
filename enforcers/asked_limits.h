// SPDX-License-Identifier: Apache-2.0
// From requests, limits and policy to what the cgroups are told. Pure; the mapping is Kubernetes' own
// (pkg/kubelet/cm/helpers_linux.go): shares from the CPU request, quota from the limit, 100 ms periods.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/pod_spec.h"
#include "config/policy.h"
#include "runtime/cgroup/devices.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits.h"
#include "runtime/process/launch_spec.h"

namespace mete::enforcers {

// 1 core = 1024; at least 2, at most 262144. No request counts as 0, and so as the least.
[[nodiscard]] std::uint64_t cpu_shares(std::optional<MilliCpu> request);

// limit * period, at least 1 ms. No limit: unlimited.
[[nodiscard]] runtime::cgroup::CpuBandwidth cpu_bandwidth(std::optional<MilliCpu> limit);

// What limits on IO need to know of the machine.
struct IoFacts {
  std::map<std::string, std::string> disks;  // by path of the policy: "8:0". Those that are on no disk are left out
  bool has_weight = false;                   // the kernel has an IO scheduler with weights
  bool has_latency = false;                  // and io.latency
};

// The policy's limits of IO, into `limits`.
void add_io(const config::IoPolicy& policy, const IoFacts& facts, runtime::cgroup::Limits& limits);

// The policy's devices as rules that come after what every container may use. `devices`: those that the machine has, by
// path.
[[nodiscard]] std::vector<runtime::cgroup::DeviceRule> device_rules(
    const config::DevicePolicy& policy, const std::map<std::string, runtime::process::DeviceSpec>& devices);

// What of the policy cannot be had on cgroups of this kind: a sentence each, that says so.
[[nodiscard]] std::vector<std::string> not_to_be_had(const config::Policy& policy,
                                                     const runtime::cgroup::Hierarchies& machine);

// What a container's cgroup is told. `policy` may be null. A policy in dry run changes nothing. What the machine cannot
// do at all (swap accounting off, no hugetlb controller) is left out where Kubernetes would leave it out.
[[nodiscard]] runtime::cgroup::Limits container_limits(const config::Container& container, const config::Policy* policy,
                                                       const runtime::cgroup::Hierarchies& machine,
                                                       const IoFacts& io = {});

// `after`, with what only `before` asked for taken back: no burst, no bound on processes, disks without a limit.
[[nodiscard]] runtime::cgroup::Limits changed_limits(const runtime::cgroup::Limits& before,
                                                     runtime::cgroup::Limits after);

// What the pod's own cgroup, the parent of its containers', is told: the sums of its containers, no limit where one of
// them has none; init containers count by their largest, as they run one at a time, sidecars among them for as long as
// they run. A pod of one container has its weight only, and on v2 its memory request, since protection is counted down
// from the root.
[[nodiscard]] runtime::cgroup::Limits pod_limits(const config::PodSpec& spec,
                                                 const runtime::cgroup::Hierarchies& machine);

}  // namespace mete::enforcers
