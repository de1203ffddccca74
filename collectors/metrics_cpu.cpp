// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "collectors/metrics.h"

namespace mete::collectors {
namespace {

using Row = MetricRow;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

// cAdvisor's rule: the cfs_ families exist for containers with a quota only.
template <auto kMember>
Value with_quota(const Series& s) {
  return s.sample.cpu.quota ? Value(s.sample.cpu.*kMember) : Value();
}

template <auto kMember>
Value of(const Series& s) {
  return s.sample.cpu.*kMember;
}

Value usage_total(const Series& s) {
  // A total must not stand beside its parts: sum() over the label would count twice.
  return s.sample.cpu.per_cpu.empty() ? Value(s.sample.cpu.usage) : Value();
}

void usage_per_cpu(FamilyWriter& family, const Series& s) {
  std::string extra;
  for (std::size_t cpu = 0; cpu < s.sample.cpu.per_cpu.size(); ++cpu) {
    extra = cpu < 10 ? "cpu=\"cpu0" : "cpu=\"cpu";
    extra += std::to_string(cpu) + "\"";
    family.add(s.labels, s.sample.cpu.per_cpu[cpu], extra);
  }
}

// Both count stalled time summed over CPUs; the difference is what no quota of this group's own explains.
Value inherited(const Series& s) {
  const CpuSample& cpu = s.sample.cpu;
  if (!cpu.throttled_local) return {};
  const auto own = cpu.throttled.value_or(std::chrono::nanoseconds(0));
  return *cpu.throttled_local > own ? *cpu.throttled_local - own : std::chrono::nanoseconds(0);
}

Value microseconds_setting(const Series& s, const Time& time) {
  if (!s.with_settings || !time) return {};
  return static_cast<std::uint64_t>(time->count() / 1'000);
}

constexpr std::array<Row, 13> kRows = {{
    {"container_cpu_usage_seconds_total", "CPU time used: cpuacct.usage, or cpu.stat usage_usec.", kCounter,
     R"(cpu="total")", usage_total, usage_per_cpu},
    {"container_cpu_user_seconds_total", "CPU time in user mode: cpuacct.stat, or cpu.stat user_usec.", kCounter, "",
     of<&CpuSample::user>},
    {"container_cpu_system_seconds_total", "CPU time in the kernel: cpuacct.stat, or cpu.stat system_usec.", kCounter,
     "", of<&CpuSample::system>},
    {"container_cpu_cfs_periods_total", "Enforcement periods that passed: cpu.stat nr_periods.", kCounter, "",
     with_quota<&CpuSample::periods>},
    {"container_cpu_cfs_throttled_periods_total", "Periods in which the quota ran out: cpu.stat nr_throttled.",
     kCounter, "", with_quota<&CpuSample::throttled_periods>},
    {"container_cpu_cfs_throttled_seconds_total",
     "Time stopped by the own quota, summed over CPUs: cpu.stat throttled_time or throttled_usec.", kCounter, "",
     with_quota<&CpuSample::throttled>},
    {"container_cpu_cfs_burst_periods_total", "Periods in which burst was used: cpu.stat nr_bursts.", kCounter, "",
     with_quota<&CpuSample::burst_periods>},
    {"container_cpu_cfs_burst_seconds_total", "Time used above the quota: cpu.stat burst_time or burst_usec.", kCounter,
     "", with_quota<&CpuSample::burst>},
    {"mete_container_cpu_inherited_throttled_seconds_total",
     "Time stopped by the quota of a cgroup above, summed over CPUs: cpu.stat.local less cpu.stat.", kCounter, "",
     inherited},
    {"container_spec_cpu_period", "Period of the CPU quota in microseconds: cpu.cfs_period_us, or cpu.max.", kGauge, "",
     [](const Series& s) { return microseconds_setting(s, s.sample.cpu.period); }},
    {"container_spec_cpu_quota", "CPU quota in microseconds: cpu.cfs_quota_us, or cpu.max. Absent without one.", kGauge,
     "", [](const Series& s) { return microseconds_setting(s, s.sample.cpu.quota); }},
    {"mete_container_spec_cpu_burst_seconds", "Burst on top of the quota: cpu.cfs_burst_us, or cpu.max.burst.", kGauge,
     "",
     [](const Series& s) { return s.with_settings && s.sample.cpu.quota ? Value(s.sample.cpu.burst_limit) : Value(); }},
    {"container_spec_cpu_shares", "CPU shares: cpu.shares, or cpu.weight converted.", kGauge, "",
     [](const Series& s) { return s.with_settings ? Value(s.sample.cpu.shares) : Value(); }},
}};

}  // namespace

std::span<const MetricRow> cpu_rows() {
  return kRows;
}

}  // namespace mete::collectors
