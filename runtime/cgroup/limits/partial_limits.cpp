// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/partial_limits.h"

#include <string>

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;

Status complete_cpu(Limits& limits, const PartialLimits& partial, const Present& present) {
  if (!partial.cpu_quota && !partial.cpu_period && !limits.cpu_burst) return {};
  const CpuBandwidth now{present.cpu_quota.value_or(Limit<microseconds>()),
                         present.cpu_period.value_or(CpuBandwidth().period)};
  const CpuBandwidth wanted{partial.cpu_quota.value_or(now.quota), partial.cpu_period.value_or(now.period)};
  const microseconds burst = limits.cpu_burst.value_or(present.cpu_burst.value_or(microseconds(0)));
  if (!wanted.quota.is_unlimited() && burst > wanted.quota.value()) {
    return fail("cpu quota: found " + std::to_string(wanted.quota.value().count()) + " us and a burst of " +
                std::to_string(burst.count()) + " us, expected a burst of at most the quota");
  }
  if (partial.cpu_quota || partial.cpu_period) limits.cpu_bandwidth = wanted;
  // 0 is what a kernel without bursts has, and what a fresh group has.
  if (limits.cpu_burst == microseconds(0) && !present.cpu_burst) limits.cpu_burst.reset();
  return {};
}

std::string bytes_text(const Limit<Bytes>& size) {
  return size.is_unlimited() ? "no limit" : std::to_string(size.value().count()) + " bytes";
}

bool above(const Limit<Bytes>& a, const Limit<Bytes>& b) {
  return !b.is_unlimited() && (a.is_unlimited() || a.value() > b.value());
}

Status complete_memory(Limits& limits, const PartialLimits& partial, bool v1, const Present& present) {
  if (!limits.memory && !partial.memory_and_swap) return {};
  const auto memory = limits.memory.value_or(present.memory.value_or(Limit<Bytes>()));
  auto both = partial.memory_and_swap;
  const bool all = both && both->is_unlimited();
  if (all || (!both && memory.is_unlimited())) {
    limits.swap = Limit<Bytes>();
    return {};
  }
  if (!both) {
    // Alone: v2 counts swap by itself, v1 keeps the sum.
    if (!v1 || !present.memory_and_swap || present.memory_and_swap->is_unlimited()) return {};
    both = present.memory_and_swap;
    if (above(memory, *both)) {
      return fail("memory limit: found " + bytes_text(memory) +
                  ", expected at most memory and swap together, which is " + bytes_text(*both) +
                  " now; change both at once");
    }
  }
  if (memory.is_unlimited())
    return fail("memory and swap together: found " + bytes_text(*both) + ", expected a memory limit beside it");
  if (above(memory, *both)) {
    return fail("memory and swap together: found " + bytes_text(*both) + ", expected at least the memory limit, " +
                bytes_text(memory) + ", which it contains");
  }
  limits.swap = swap_alone(*both, memory);
  return {};
}

}  // namespace

Result<Limits> completed(Limits limits, const PartialLimits& partial, const Hierarchies& hierarchies,
                         const Present& present) {
  METE_CHECK(complete_cpu(limits, partial, present));
  METE_CHECK(complete_memory(limits, partial, hierarchies.on_v1("memory"), present));
  return limits;
}

Limits asked_about(Limits limits, const PartialLimits& partial) {
  if (partial.cpu_quota || partial.cpu_period || limits.cpu_burst) limits.cpu_bandwidth = CpuBandwidth();
  if (partial.memory_and_swap && !limits.memory) limits.memory = Limit<Bytes>();
  return limits;
}

}  // namespace mete::runtime::cgroup
