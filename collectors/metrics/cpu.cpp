// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;
constexpr std::string_view kCollector = "cpu";

template <auto kMember>
void of(Lines& out, const Series& s) {
  out.add(s.sample->cpu.*kMember);
}

// cAdvisor's rule: the cfs_ families exist only for containers with a quota.
template <auto kMember>
void with_quota(Lines& out, const Series& s) {
  if (s.sample->cpu.quota) out.add(s.sample->cpu.*kMember);
}

void usage(Lines& out, const Series& s) {
  const auto& per_cpu = s.sample->cpu.per_cpu;
  // A total must not stand beside its parts: sum() over the label would count the time twice.
  if (per_cpu.empty()) return out.add(s.sample->cpu.usage, R"(cpu="total")");
  std::string extra;
  for (std::size_t cpu = 0; cpu < per_cpu.size(); ++cpu) {
    extra = cpu < 10 ? "cpu=\"cpu0" : "cpu=\"cpu";
    extra += std::to_string(cpu) + "\"";
    out.add(per_cpu[cpu], extra);
  }
}

// Both numbers count stalled time summed over CPUs. Their difference is the time that ancestors' quotas caused.
void inherited(Lines& out, const Series& s) {
  const CpuSample& cpu = s.sample->cpu;
  if (!cpu.throttled_local) return;
  const auto own = cpu.throttled.value_or(std::chrono::nanoseconds(0));
  out.add(*cpu.throttled_local > own ? *cpu.throttled_local - own : std::chrono::nanoseconds(0));
}

void throttle_lengths(Lines& out, const Series& s) {
  if (!s.throttle_lengths) return;
  std::uint64_t below = 0;
  std::string extra;
  for (std::size_t i = 0; i <= kThrottleBounds.size(); ++i) {
    below += s.throttle_lengths->buckets[i];
    extra = "le=\"";
    if (i < kThrottleBounds.size()) {
      Value(kThrottleBounds[i]).append_to(extra);
    } else {
      extra += "+Inf";
    }
    extra += '"';
    out.add_suffixed("_bucket", below, extra);
  }
  out.add_suffixed("_sum", s.throttle_lengths->sum);
  out.add_native(s.throttle_lengths->native);
  out.add_suffixed("_count", below);
}

template <auto kMember>
void microseconds(Lines& out, const Series& s) {
  const Time& time = s.sample->cpu.*kMember;
  if (s.with_settings && time) out.add(static_cast<std::uint64_t>(time->count() / 1'000));
}

constexpr auto kFamilies = std::to_array<Family>({
    {kCollector, "container_cpu_usage_seconds_total", kCounter, "CPU time used", "cpu",
     "cpuacct.usage, cpuacct.usage_percpu", "cpu.stat usage_usec", usage},
    {kCollector, "container_cpu_user_seconds_total", kCounter, "CPU time in user mode", "", "cpuacct.stat user",
     "cpu.stat user_usec", of<&CpuSample::user>},
    {kCollector, "container_cpu_system_seconds_total", kCounter, "CPU time in the kernel", "", "cpuacct.stat system",
     "cpu.stat system_usec", of<&CpuSample::system>},
    {kCollector, "container_cpu_cfs_periods_total", kCounter, "Enforcement periods that passed", "",
     "cpu.stat nr_periods", "cpu.stat nr_periods", with_quota<&CpuSample::periods>},
    {kCollector, "container_cpu_cfs_throttled_periods_total", kCounter, "Periods in which the quota ran out", "",
     "cpu.stat nr_throttled", "cpu.stat nr_throttled", with_quota<&CpuSample::throttled_periods>},
    {kCollector, "container_cpu_cfs_throttled_seconds_total", kCounter,
     "Time stopped by the own quota, summed over CPUs", "", "cpu.stat throttled_time", "cpu.stat throttled_usec",
     with_quota<&CpuSample::throttled>},
    {kCollector, "container_cpu_cfs_burst_periods_total", kCounter, "Periods in which burst was used", "",
     "cpu.stat nr_bursts", "cpu.stat nr_bursts", with_quota<&CpuSample::burst_periods>},
    {kCollector, "container_cpu_cfs_burst_seconds_total", kCounter, "Time used above the quota", "",
     "cpu.stat burst_time", "cpu.stat burst_usec", with_quota<&CpuSample::burst>},
    {kCollector, "mete_container_cpu_inherited_throttled_seconds_total", kCounter,
     "Time stopped by the quota of a cgroup above, summed over CPUs", "", "cpu.stat.local less cpu.stat",
     "cpu.stat.local less cpu.stat", inherited},
    {kCollector, "mete_container_cpu_throttle_seconds", MetricType::kHistogram,
     "How long throttled stretches lasted, summed over CPUs: sampled as often as there is throttling, so that a bucket "
     "holds single periods",
     "le", "cpu.stat throttled_time per nr_throttled", "cpu.stat throttled_usec per nr_throttled", throttle_lengths},
    {kCollector, "container_spec_cpu_period", kGauge, "Period of the CPU quota in microseconds", "",
     "cpu.cfs_period_us", "cpu.max", microseconds<&CpuSample::period>},
    {kCollector, "container_spec_cpu_quota", kGauge, "CPU quota in microseconds; absent without one", "",
     "cpu.cfs_quota_us", "cpu.max", microseconds<&CpuSample::quota>},
    {kCollector, "mete_container_spec_cpu_burst_seconds", kGauge, "Burst on top of the quota", "", "cpu.cfs_burst_us",
     "cpu.max.burst",
     [](Lines& out, const Series& s) {
       if (s.with_settings && s.sample->cpu.quota) out.add(s.sample->cpu.burst_limit);
     }},
    {kCollector, "container_spec_cpu_shares", kGauge, "CPU shares", "", "cpu.shares", "cpu.weight, converted",
     [](Lines& out, const Series& s) {
       if (s.with_settings) out.add(s.sample->cpu.shares);
     }},
    {kCollector, "mete_container_effective_cpu_limit_cores", kGauge,
     "CPU limit in cores: the tightest quota and cpuset of the cgroup, its ancestors and the machine", "",
     "cpu.cfs_quota_us, cpuset.effective_cpus of all ancestors", "cpu.max, cpuset.cpus.effective of all ancestors",
     [](Lines& out, const Series& s) { out.add(s.effective.cpu_cores); }},
    {"cpuset", "mete_container_cpuset_cpus", kGauge, "CPUs it may run on, those of its ancestors taken into account",
     "", "cpuset.effective_cpus", "cpuset.cpus.effective",
     [](Lines& out, const Series& s) {
       if (s.with_settings) out.add(s.sample->cpu.cpuset_cpus);
     }},
    {kCollector, "mete_container_cpu_ancestor_throttled_seconds_total", kCounter,
     "Time that the quotas of all cgroups above stopped them, summed over CPUs: an upper bound of what this cgroup "
     "lost "
     "by them, where the kernel has no cpu.stat.local; absent when none of them has a quota",
     "", "cpu.stat throttled_time of all ancestors", "cpu.stat throttled_usec of all ancestors",
     [](Lines& out, const Series& s) { out.add(s.effective.ancestor_throttled); }},
    {kCollector, "mete_container_cpu_ancestor_throttled_periods_total", kCounter,
     "Periods in which the quota of a cgroup above ran out, summed over these cgroups", "",
     "cpu.stat nr_throttled of all ancestors", "cpu.stat nr_throttled of all ancestors",
     [](Lines& out, const Series& s) { out.add(s.effective.ancestor_throttled_periods); }},
});

}  // namespace

std::span<const Family> cpu_families() {
  return kFamilies;
}

}  // namespace mete::collectors
