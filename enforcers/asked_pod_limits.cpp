// SPDX-License-Identifier: Apache-2.0
// The limits of a pod's own cgroup, from those of its containers.
#include <algorithm>

#include "enforcers/asked_limits.h"
#include "runtime/cgroup/abilities.h"

namespace mete::enforcers {
namespace {

using runtime::cgroup::has_cpu;
using runtime::cgroup::has_memory;
using runtime::cgroup::has_memory_min;
using runtime::cgroup::Hierarchies;
using runtime::cgroup::Limit;
using runtime::cgroup::Limits;

// A sum over a pod's containers. It becomes empty (unlimited) at the first container without a value.
template <class T>
struct Sum {
  std::optional<T> total{T(0)};
  void add(const std::optional<T>& value) {
    if (!value) total.reset();
    if (total) *total += *value;
  }
  void at_least(const Sum& other) {
    if (!other.total) total.reset();
    if (total) *total = std::max(*total, *other.total);
  }
};

// The pod's needs at its peak: all containers and sidecars together, or one init container beside the sidecars that
// were started before it (KEP-753).
struct PodNeeds {
  Sum<MilliCpu> cpu;
  Sum<Bytes> memory;
  MilliCpu cpu_request{0};
  Bytes memory_request{0};

  void add(const config::Resources& resources) {
    cpu.add(resources.limits.cpu);
    memory.add(resources.limits.memory);
    cpu_request += resources.requests.cpu.value_or(MilliCpu(0));
    memory_request += resources.requests.memory.value_or(Bytes(0));
  }
  void at_least(const PodNeeds& other) {
    cpu.at_least(other.cpu);
    memory.at_least(other.memory);
    cpu_request = std::max(cpu_request, other.cpu_request);
    memory_request = std::max(memory_request, other.memory_request);
  }
};

PodNeeds needs_of(const config::PodSpec& spec) {
  PodNeeds sidecars;
  PodNeeds peak;
  for (const auto& container : spec.init_containers) {
    PodNeeds here = sidecars;
    here.add(container.resources);
    if (container.sidecar) sidecars = here;
    peak.at_least(here);
  }
  for (const auto& container : spec.containers) sidecars.add(container.resources);
  peak.at_least(sidecars);
  return peak;
}

// The resources of the whole pod bound it whatever its containers say, also when there is only one.
Limits own_pod_limits(const config::Resources& resources, const Hierarchies& machine) {
  Limits limits;
  if (has_cpu(machine)) {
    limits.cpu_shares = cpu_shares(resources.requests.cpu);
    limits.cpu_bandwidth = cpu_bandwidth(resources.limits.cpu);
  }
  if (!has_memory(machine)) return limits;
  if (has_memory_min(machine) && resources.requests.memory)
    limits.memory_min = Limit<Bytes>(*resources.requests.memory);
  limits.memory = resources.limits.memory ? Limit<Bytes>(*resources.limits.memory) : Limit<Bytes>();
  if (resources.limits.memory) limits.swap = Limit<Bytes>(Bytes(0));
  return limits;
}

Limits cpu_and_memory(const config::PodSpec& spec, const Hierarchies& machine) {
  if (spec.resources) return own_pod_limits(*spec.resources, machine);
  Limits limits;
  const PodNeeds needs = needs_of(spec);
  if (has_cpu(machine)) limits.cpu_shares = cpu_shares(needs.cpu_request);
  // Shares that its only container asks for would mean nothing below a parent with fewer.
  if (has_cpu(machine) && spec.containers.size() == 1 && spec.containers.front().extras->cpu_shares)
    limits.cpu_shares = clamped_shares(*spec.containers.front().extras->cpu_shares);
  // A child is protected only as far as its parents are.
  if (has_memory_min(machine) && needs.memory_request > Bytes(0))
    limits.memory_min = Limit<Bytes>(needs.memory_request);
  // A single container's own limits are enough. A second quota would throttle in two places, and with a second memory
  // limit an OOM would be the pod's or the container's by chance.
  if (spec.containers.size() + spec.init_containers.size() == 1) return limits;
  if (has_cpu(machine)) limits.cpu_bandwidth = cpu_bandwidth(needs.cpu.total);
  if (has_memory(machine)) limits.memory = needs.memory.total ? Limit<Bytes>(*needs.memory.total) : Limit<Bytes>();
  return limits;
}

}  // namespace

// The controller is not asked for: a machine without it cannot hold what the manifest says, and the write tells that.
Limits pod_limits(const config::PodSpec& spec, const Hierarchies& machine) {
  Limits limits = cpu_and_memory(spec, machine);
  if (spec.pids_limit) limits.pids = Limit<std::uint64_t>(*spec.pids_limit);
  return limits;
}

}  // namespace mete::enforcers
