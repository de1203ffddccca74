// SPDX-License-Identifier: Apache-2.0
#include "enforcers/asked_limits.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <string>

#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"

namespace mete::enforcers {
namespace {

using runtime::cgroup::can_wait_out_of_memory;
using runtime::cgroup::CpuBandwidth;
using runtime::cgroup::DeviceRule;
using runtime::cgroup::has_cpu;
using runtime::cgroup::has_huge_pages;
using runtime::cgroup::has_io;
using runtime::cgroup::has_memory;
using runtime::cgroup::has_memory_min;
using runtime::cgroup::has_net_class;
using runtime::cgroup::has_oom_group;
using runtime::cgroup::has_pids;
using runtime::cgroup::Hierarchies;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;
using runtime::process::DeviceSpec;
using std::chrono::microseconds;

constexpr std::int64_t kSharesPerCore = 1024;
constexpr microseconds kPeriod{100'000};
constexpr microseconds kMinQuota{1'000};

// "2Mi" as in the manifest -> "2MB" as in the kernel's file names.
std::string kernel_page_size(const std::string& size) {
  return size.size() > 1 && size.back() == 'i' ? size.substr(0, size.size() - 1) + "B" : size;
}

void add_memory(const config::Resources& resources, std::optional<Bytes> swap, const Hierarchies& machine,
                Limits& limits) {
  limits.memory = resources.limits.memory ? Limit<Bytes>(*resources.limits.memory) : Limit<Bytes>();
  // A container must not evade its limit by swapping (the kubelet's NoSwap), unless a policy allows swap.
  if (resources.limits.memory) limits.swap = Limit<Bytes>(swap.value_or(Bytes(0)));
  if (!resources.requests.memory) return;
  if (has_memory_min(machine)) {
    limits.memory_min = Limit<Bytes>(*resources.requests.memory);
  } else {
    limits.memory_soft = Limit<Bytes>(*resources.requests.memory);
  }
}

void add_oom_policy(const config::Resources& resources, const config::Policy* policy, const Hierarchies& machine,
                    Limits& limits) {
  if (!decides_before_the_kernel(policy) || !resources.limits.memory) return;
  if (can_wait_out_of_memory(machine)) {
    limits.oom_kill_disable = true;
  } else {
    limits.memory_high = Limit<Bytes>(tripwire_of(*resources.limits.memory));
  }
}

// Two paths may lie on one disk: the tighter bound applies.
void tighten(std::optional<std::uint64_t>& bound, std::optional<std::int64_t> other) {
  if (!other) return;
  const auto most = static_cast<std::uint64_t>(*other);
  bound = bound ? std::min(*bound, most) : most;
}

std::optional<std::int64_t> count_of(const std::optional<Bytes>& bytes) {
  return bytes ? std::optional(bytes->count()) : std::nullopt;
}

}  // namespace

void add_io(const config::IoPolicy& policy, const IoFacts& facts, Limits& limits) {
  for (const auto& device : policy.devices) {
    const auto disk = facts.disks.find(device.path);
    if (disk == facts.disks.end()) continue;
    auto& limit = limits.io.edit()[disk->second];
    tighten(limit.read_bps, count_of(device.read_per_second));
    tighten(limit.write_bps, count_of(device.write_per_second));
    tighten(limit.read_iops, device.read_operations_per_second);
    tighten(limit.write_iops, device.write_operations_per_second);
    if (device.latency && facts.has_latency) {
      const auto latency = std::chrono::duration_cast<microseconds>(*device.latency);
      limit.latency = std::min(limit.latency.value_or(latency), latency);
    }
  }
  for (const auto& [path, weight] : policy.device_weights) {
    const auto disk = facts.weighted_disks.find(path);
    if (disk != facts.weighted_disks.end())
      limits.io_disk_weights.edit()[disk->second] = static_cast<std::uint64_t>(weight);
  }
  if (policy.weight && facts.has_weight) limits.io_weight = static_cast<std::uint64_t>(*policy.weight);
}

std::vector<DeviceRule> device_rules(const config::DevicePolicy& policy,
                                     const std::map<std::string, DeviceSpec>& devices) {
  std::vector<DeviceRule> rules;
  const auto add = [&](const std::vector<config::DevicePermission>& permissions, bool allow) {
    for (const auto& [path, access] : permissions) {
      const auto at = devices.find(path);
      if (at == devices.end()) continue;
      rules.push_back(device_rule(at->second, access));
      rules.back().allow = allow;
    }
  };
  add(policy.allow, true);
  add(policy.deny, false);
  return rules;
}

DeviceRule device_rule(const DeviceSpec& device, const std::string& access) {
  return {true, S_ISBLK(device.type_and_mode) ? 'b' : 'c', gnu_dev_major(device.device), gnu_dev_minor(device.device),
          access};
}

std::vector<DeviceRule> device_rules(const std::vector<config::DeviceRange>& ranges) {
  std::vector<DeviceRule> rules;
  for (const auto& [type, major, minor, access] : ranges) {
    // The kernel's own 'a' knows no numbers.
    for (const char each : type == 'a' ? std::string("cb") : std::string(1, type))
      rules.push_back({true, each, major, minor, access});
  }
  return rules;
}

std::vector<std::string> not_to_be_had(const config::Policy& policy, const Hierarchies& machine) {
  std::vector<std::string> faults;
  if (policy.net_cls.class_id && !has_net_class(machine)) {
    faults.emplace_back("netCls: this machine has no cgroup v1 hierarchy with net_cls mounted; it is not active");
  }
  return faults;
}

std::uint64_t cpu_shares(std::optional<MilliCpu> request) {
  const std::int64_t shares = request.value_or(MilliCpu(0)).count() * kSharesPerCore / 1000;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(shares, kLeastShares, kMostShares));
}

CpuBandwidth cpu_bandwidth(std::optional<MilliCpu> limit) {
  if (!limit) return {Limit<microseconds>(), kPeriod};
  return {std::max(microseconds(limit->count() * kPeriod.count() / 1000), kMinQuota), kPeriod};
}

namespace {

// What a docker client asks for beyond requests and limits. `policy`: in force.
void add_extras(const config::ContainerExtras& extras, const config::Policy* policy, const Hierarchies& machine,
                Limits& limits) {
  if (has_cpu(machine)) {
    if (extras.cpu_shares) limits.cpu_shares = clamped_shares(*extras.cpu_shares);
    if (extras.cpu_quota)
      limits.cpu_bandwidth =
          CpuBandwidth{extras.cpu_quota->count() > 0 ? Limit<microseconds>(*extras.cpu_quota) : Limit<microseconds>(),
                       extras.cpu_period};
    limits.cpuset_cpus = extras.cpuset_cpus;
    limits.cpuset_mems = extras.cpuset_mems;
  }
  if (has_memory(machine)) {
    const bool by_policy = policy != nullptr && policy->memory.swap.has_value();
    if (limits.swap && !by_policy && extras.swap) limits.swap = Limit<Bytes>(*extras.swap);
    if (limits.swap && !by_policy && extras.unlimited_swap) limits.swap = Limit<Bytes>();
    if (extras.waits_out_of_memory && can_wait_out_of_memory(machine)) limits.oom_kill_disable = true;
    if (extras.memory_soft) limits.memory_soft = Limit<Bytes>(*extras.memory_soft);
  }
  if (has_pids(machine) && extras.pids) {
    const std::uint64_t by_policy = limits.pids ? limits.pids->value_or(*extras.pids) : *extras.pids;
    limits.pids = Limit<std::uint64_t>(std::min(by_policy, *extras.pids));
  }
}

}  // namespace

Limits container_limits(const config::Container& container, const config::Policy* policy, const Hierarchies& machine,
                        const IoFacts& io) {
  Limits limits;
  const auto& resources = container.resources;
  policy = in_force(policy);
  if (has_cpu(machine)) {
    limits.cpu_shares = cpu_shares(resources.requests.cpu);
    limits.cpu_bandwidth = cpu_bandwidth(resources.limits.cpu);
    if (policy != nullptr && policy->cpu.burst && resources.limits.cpu) {
      // The kernel rejects a burst above the quota.
      limits.cpu_burst =
          std::min(std::chrono::duration_cast<microseconds>(*policy->cpu.burst), limits.cpu_bandwidth->quota.value());
    }
  }
  if (has_memory(machine)) {
    add_memory(resources, policy != nullptr ? policy->memory.swap : std::nullopt, machine, limits);
    limits.oom_group = has_oom_group(machine) && oom_action(policy) == OomAction::kKillContainer;
    add_oom_policy(resources, policy, machine, limits);
  }
  if (policy != nullptr && policy->pids.max && has_pids(machine)) {
    limits.pids = Limit<std::uint64_t>(static_cast<std::uint64_t>(*policy->pids.max));
  }
  if (policy != nullptr && policy->net_cls.class_id && has_net_class(machine))
    limits.net_class = policy->net_cls.class_id;
  if (has_io(machine)) {
    add_io(container.extras->io, io, limits);
    if (policy != nullptr) add_io(policy->io, io, limits);
  }
  if (has_huge_pages(machine)) {
    for (const auto& [size, bytes] : *resources.limits.huge_pages)
      limits.hugetlb.edit()[kernel_page_size(size)] = Limit<Bytes>(bytes);
  }
  add_extras(*container.extras, policy, machine, limits);
  return limits;
}

Limits changed_limits(const Limits& before, Limits after) {
  if (before.cpu_burst && !after.cpu_burst) after.cpu_burst = microseconds(0);
  if (before.pids && !after.pids) after.pids = Limit<std::uint64_t>();
  if (before.oom_kill_disable.value_or(false) && !after.oom_kill_disable) after.oom_kill_disable = false;
  constexpr std::uint64_t kUsualWeight = 100;
  if (before.io_weight && !after.io_weight) after.io_weight = kUsualWeight;
  for (const auto& [disk, weight] : *before.io_disk_weights) after.io_disk_weights.edit().try_emplace(disk, 0);
  for (const auto& [disk, limit] : *before.io) {
    auto& now = after.io.edit()[disk];
    if (limit.latency && !now.latency) now.latency = microseconds(0);
  }
  if (before.net_class && !after.net_class) after.net_class = 0;
  if (before.memory_high && !after.memory_high) after.memory_high = Limit<Bytes>();
  return after;
}

}  // namespace mete::enforcers
