// SPDX-License-Identifier: Apache-2.0
#include "collectors/effective.h"

#include <utility>

namespace mete::collectors {
namespace {

template <class Optional>
void tighten(Optional& limit, const Optional& other) {
  if (other && (!limit || *other < *limit)) limit = other;
}

std::optional<double> cores_of_quota(const CpuSample& cpu) {
  if (!cpu.quota || !cpu.period || cpu.quota->count() <= 0 || cpu.period->count() <= 0) return std::nullopt;
  return static_cast<double>(cpu.quota->count()) / static_cast<double>(cpu.period->count());
}

std::optional<double> cores(const Count& count) {
  if (!count || *count == 0) return std::nullopt;
  return static_cast<double>(*count);
}

}  // namespace

EffectiveLimits effective_limits(std::span<const Sample* const> chain, const Machine& machine) {
  EffectiveLimits limits;
  limits.cpu_cores = cores(machine.cores);
  limits.memory = machine.memory;
  bool is_self = true;
  bool limited = false;  // an ancestor has a quota
  std::chrono::nanoseconds throttled{};
  std::uint64_t periods = 0;
  for (const Sample* sample : chain) {
    const bool self = std::exchange(is_self, false);
    if (sample == nullptr) continue;
    const auto quota = cores_of_quota(sample->cpu);
    tighten(limits.cpu_cores, quota);
    tighten(limits.cpu_cores, cores(sample->cpu.cpuset_cpus));
    const SizeLimit& memory = sample->memory.limit;
    if (memory && !memory->is_unlimited()) tighten(limits.memory, Size(memory->value()));
    if (self) continue;
    limited = limited || quota;
    // Ancestors without a quota are added too: the sum must not fall when a quota is removed.
    throttled += sample->cpu.throttled.value_or(std::chrono::nanoseconds(0));
    periods += sample->cpu.throttled_periods.value_or(0);
  }
  if (!limited) return limits;
  limits.ancestor_throttled = throttled;
  limits.ancestor_throttled_periods = periods;
  return limits;
}

}  // namespace mete::collectors
