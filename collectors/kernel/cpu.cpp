// SPDX-License-Identifier: Apache-2.0
// Controller cpu: bandwidth and weight. On v2 its cpu.stat holds the usage too; on v1 that is cpuacct's (cpuacct.cpp).
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::collectors {
namespace {

using Field = KeyField<CpuSample>;

constexpr std::array<Field, 5> kStatV1 = {{
    {.key = "nr_periods", .count = &CpuSample::periods},
    {.key = "nr_throttled", .count = &CpuSample::throttled_periods},
    {.key = "throttled_time", .time = &CpuSample::throttled},
    {.key = "nr_bursts", .count = &CpuSample::burst_periods},
    {.key = "burst_time", .time = &CpuSample::burst},
}};

constexpr std::array<Field, 8> kStatV2 = {{
    {.key = "usage_usec", .time = &CpuSample::usage, .scale = kMicrosecond},
    {.key = "user_usec", .time = &CpuSample::user, .scale = kMicrosecond},
    {.key = "system_usec", .time = &CpuSample::system, .scale = kMicrosecond},
    {.key = "nr_periods", .count = &CpuSample::periods},
    {.key = "nr_throttled", .count = &CpuSample::throttled_periods},
    {.key = "throttled_usec", .time = &CpuSample::throttled, .scale = kMicrosecond},
    {.key = "nr_bursts", .count = &CpuSample::burst_periods},
    {.key = "burst_usec", .time = &CpuSample::burst, .scale = kMicrosecond},
}};

constexpr std::array<Field, 2> kStatLocal = {{
    {.key = "throttled_time", .time = &CpuSample::throttled_local},
    {.key = "throttled_usec", .time = &CpuSample::throttled_local, .scale = kMicrosecond},
}};

bool stat_v1(std::string_view text, Sample& into) {
  return parse_keys(text, kStatV1, into.cpu);
}
bool stat_v2(std::string_view text, Sample& into) {
  return parse_keys(text, kStatV2, into.cpu);
}
bool stat_local(std::string_view text, Sample& into) {
  return parse_keys(text, kStatLocal, into.cpu);
}

bool micros(std::string_view word, Time& into) {
  const auto number = parse_u64(trim(word));
  if (number) into = to_time(*number, kMicrosecond);
  return number.has_value();
}

bool quota_v1(std::string_view text, Sample& into) {
  if (trim(text) != "-1") return micros(text, into.cpu.quota);
  into.cpu.quota.reset();
  return true;
}
bool period_v1(std::string_view text, Sample& into) {
  return micros(text, into.cpu.period);
}
bool burst(std::string_view text, Sample& into) {
  return micros(text, into.cpu.burst_limit);
}
bool shares_v1(std::string_view text, Sample& into) {
  return parse_count(text, into.cpu.shares);
}

// "max 100000" or "50000 100000"
bool max_v2(std::string_view text, Sample& into) {
  const std::string_view quota = next_word(text);
  const bool period = micros(next_word(text), into.cpu.period);
  if (quota != "max") return micros(quota, into.cpu.quota) && period;
  into.cpu.quota.reset();
  return period;
}

bool weight_v2(std::string_view text, Sample& into) {
  const auto weight = parse_u64(trim(text));
  // 0: the group is idle (cpu.idle), which no number of shares expresses.
  into.cpu.shares.reset();
  if (weight && *weight > 0) into.cpu.shares = runtime::cgroup::cpu_shares_of_weight(*weight);
  return weight.has_value();
}

constexpr std::array<SourceFile, 11> kFiles = {{
    {Where::kV1, "cpu", "cpu.stat", stat_v1, When::kWaiting},
    {Where::kV1, "cpu", "cpu.stat.local", stat_local, When::kWaiting},
    {Where::kV1, "cpu", "cpu.cfs_quota_us", quota_v1, When::kSetting},
    {Where::kV1, "cpu", "cpu.cfs_period_us", period_v1, When::kSetting},
    {Where::kV1, "cpu", "cpu.cfs_burst_us", burst, When::kSetting},
    {Where::kV1, "cpu", "cpu.shares", shares_v1, When::kSetting},
    {Where::kV2, "cpu", "cpu.stat", stat_v2},
    {Where::kV2, "cpu", "cpu.stat.local", stat_local, When::kWaiting},
    {Where::kV2, "cpu", "cpu.max", max_v2, When::kSetting},
    {Where::kV2, "cpu", "cpu.max.burst", burst, When::kSetting},
    {Where::kV2, "cpu", "cpu.weight", weight_v2, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> cpu_files() {
  return kFiles;
}

}  // namespace mete::collectors
