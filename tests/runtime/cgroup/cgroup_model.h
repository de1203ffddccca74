// SPDX-License-Identifier: Apache-2.0
// A model of the kernel's rules for CPU bandwidth and memory limits: which writes it takes. The rules are those of
// kernel/sched/core.c (tg_set_cfs_bandwidth, __cfs_schedulable), kernel/sched/rt.c (__rt_schedulable) and
// mm/memcontrol-v1.c (mem_cgroup_resize_max).
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include "runtime/cgroup/limits/limit_writes.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {

using std::chrono::microseconds;

constexpr std::int64_t kUnlimited = -1;
constexpr std::int64_t kHuge = INT64_MAX;

inline Hierarchies v1() {
  Hierarchies machine;
  for (const char* const name : {"cpu", "memory"}) machine.v1[name] = std::string("/") + name;
  return machine;
}
inline Hierarchies v2() {
  Hierarchies machine;
  machine.mode = Mode::kV2;
  machine.v2_mount = "/c";
  machine.v2_controllers = {"cpu", "memory"};
  return machine;
}

struct Values {
  std::int64_t quota = kUnlimited, period = 100'000, burst = 0;
  std::int64_t rt_runtime = 0, rt_period = 1'000'000;
  std::int64_t memory = kUnlimited, both = kUnlimited;
  bool operator==(const Values&) const = default;
};

inline std::int64_t ratio(std::int64_t time, std::int64_t period) {
  return time == kUnlimited ? kHuge : (time << 20) / period;
}
inline std::int64_t sized(std::int64_t limit) {
  return limit == kUnlimited ? kHuge : limit;
}

// Parent and child stand where neither `from` nor `to` needs more: at the larger share of both, and at the smaller.
struct Kernel {
  Values now;
  std::int64_t parent_share, child_share, parent_rt, child_rt;
  bool v1 = true;

  bool cpu_ok(const Values& wanted) const {
    if (wanted.period < 1'000 || wanted.period > 1'000'000) return false;
    if (wanted.quota == kUnlimited) return true;
    if (wanted.quota < 1'000 || wanted.burst > wanted.quota) return false;
    if (!v1) return true;
    const auto share = ratio(wanted.quota, wanted.period);
    return share <= parent_share && share >= child_share;
  }
  bool rt_ok(const Values& wanted) const {
    const auto share = ratio(wanted.rt_runtime, wanted.rt_period);
    return wanted.rt_period > 0 && wanted.rt_runtime <= wanted.rt_period && share <= parent_rt && share >= child_rt;
  }
  bool write(const ControlWrite& write) {
    Values wanted = now;
    std::string_view rest = write.text;
    const auto number = [](std::string_view word) { return word == "max" ? kUnlimited : parse_i64(word).value(); };
    const auto first = number(next_word(rest));
    if (write.file == "cpu.cfs_quota_us") wanted.quota = first;
    if (write.file == "cpu.cfs_period_us") wanted.period = first;
    if (write.file == "cpu.cfs_burst_us" || write.file == "cpu.max.burst") wanted.burst = first;
    if (write.file == "cpu.rt_runtime_us") wanted.rt_runtime = first;
    if (write.file == "cpu.rt_period_us") wanted.rt_period = first;
    if (write.file == "memory.limit_in_bytes" || write.file == "memory.max") wanted.memory = first;
    if (write.file == "memory.memsw.limit_in_bytes") wanted.both = first;
    if (write.file == "memory.swap.max") wanted.both = first;  // on v2 swap alone
    if (write.file == "cpu.max") {
      wanted.quota = first;
      wanted.period = number(next_word(rest));
    }
    const bool memory_ok = !v1 || sized(wanted.memory) <= sized(wanted.both);
    if (!cpu_ok(wanted) || !rt_ok(wanted) || !memory_ok) return false;
    now = wanted;
    return true;
  }
};

inline Limit<microseconds> time_limit(std::int64_t value) {
  return value == kUnlimited ? Limit<microseconds>() : Limit<microseconds>(microseconds(value));
}
inline Limit<Bytes> size_limit(std::int64_t value) {
  return value == kUnlimited ? Limit<Bytes>() : Limit<Bytes>(Bytes(value));
}

inline Present present_of(const Values& values) {
  Present present;
  present.memory = size_limit(values.memory);
  present.memory_and_swap = size_limit(values.both);
  present.cpu_quota = time_limit(values.quota);
  present.cpu_period = microseconds(values.period);
  present.cpu_burst = microseconds(values.burst);
  present.rt = CpuBandwidth{microseconds(values.rt_runtime), microseconds(values.rt_period)};
  present.cpu_nested = true;
  return present;
}

inline Limits limits_of(const Values& values, bool rt) {
  Limits limits;
  limits.cpu_bandwidth = CpuBandwidth{time_limit(values.quota), microseconds(values.period)};
  limits.cpu_burst = microseconds(values.burst);
  if (rt) {
    limits.rt_runtime = microseconds(values.rt_runtime);
    limits.rt_period = microseconds(values.rt_period);
  }
  limits.memory = size_limit(values.memory);
  limits.swap = swap_alone(size_limit(values.both), size_limit(values.memory));
  return limits;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  // Powers spread evenly: small numbers come as often as large ones.
  std::int64_t spread(std::int64_t low, std::int64_t high) {
    std::uniform_real_distribution<double> power(std::log(low), std::log(high));
    return std::clamp(static_cast<std::int64_t>(std::exp(power(engine_))), low, high);
  }
  Values values() {
    Values values;
    values.period = spread(1'000, 1'000'000);
    values.quota = between(0, 9) == 0 ? kUnlimited : spread(1'000, 10'000'000);
    if (between(0, 3) == 0) values.quota = values.period / 2 + 1'000;  // shares that are nearly the same
    values.burst = between(0, 1) == 0 ? 0 : between(0, values.quota == kUnlimited ? 1'000'000 : values.quota);
    values.rt_period = spread(1'000, 1'000'000);
    values.rt_runtime = between(0, 5) == 0 ? 0 : between(0, values.rt_period);
    values.memory = between(0, 5) == 0 ? kUnlimited : 4'096 * between(0, 1'000);
    values.both =
        values.memory == kUnlimited || between(0, 5) == 0 ? kUnlimited : values.memory + 4'096 * between(0, 100);
    return values;
  }

 private:
  std::mt19937 engine_;
};

inline std::string text(const Values& v) {
  std::string all;
  for (const auto value : {v.quota, v.period, v.burst, v.rt_runtime, v.rt_period, v.memory, v.both})
    all += std::to_string(value) + " ";
  return all;
}

inline CpuBandwidth share(std::int64_t quota, std::int64_t period) {
  return {microseconds(quota), microseconds(period)};
}

}  // namespace mete::runtime::cgroup
