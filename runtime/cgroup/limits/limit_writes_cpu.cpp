// SPDX-License-Identifier: Apache-2.0
// The part of plan_writes() that is about CPU time.
#include "runtime/cgroup/limits/bandwidth_steps.h"
#include "runtime/cgroup/limits/limit_plan.h"

namespace mete::runtime::cgroup {
namespace {

using internal::Plan;
using internal::text_of;
using std::chrono::microseconds;

constexpr std::int64_t kMinCpuTime = 1'000;                // us; the kernel refuses a shorter quota or period
constexpr std::int64_t kMaxCpuPeriod = 1'000'000;          // us
constexpr std::int64_t kMaxCpuQuota = 17'592'186'044'415;  // us; the kernel's ratios have 44 bits

Status check_cpu(const Limits& limits) {
  if (limits.cpu_shares && (*limits.cpu_shares < 2 || *limits.cpu_shares > 262'144)) {
    return fail("cpu shares: found " + std::to_string(*limits.cpu_shares) + ", expected 2 to 262144");
  }
  if (limits.cpu_bandwidth) {
    const auto period = limits.cpu_bandwidth->period.count();
    if (period < kMinCpuTime || period > kMaxCpuPeriod) {
      return fail("cpu period: found " + std::to_string(period) + " us, expected 1000 to 1000000");
    }
    const auto& quota = limits.cpu_bandwidth->quota;
    if (!quota.is_unlimited() && quota.value().count() < kMinCpuTime) {
      return fail("cpu quota: found " + std::to_string(quota.value().count()) + " us, expected at least 1000");
    }
    if (!quota.is_unlimited() && quota.value().count() > kMaxCpuQuota) {
      return fail("cpu quota: found " + std::to_string(quota.value().count()) + " us, expected at most " +
                  std::to_string(kMaxCpuQuota));
    }
    if (limits.cpu_burst && !quota.is_unlimited() && *limits.cpu_burst > quota.value()) {
      return fail("cpu burst: found " + std::to_string(limits.cpu_burst->count()) +
                  " us, expected at most the quota, " + std::to_string(quota.value().count()));
    }
  }
  if (limits.cpu_burst && limits.cpu_burst->count() < 0)
    return fail("cpu burst: found less than 0, expected 0 or more");
  return {};
}

// The names of a pair of v1's files: of CFS, or of realtime.
struct BandwidthFiles {
  const char* time;
  const char* period;
};
constexpr BandwidthFiles kCfs{"cpu.cfs_quota_us", "cpu.cfs_period_us"};
constexpr BandwidthFiles kRealTime{"cpu.rt_runtime_us", "cpu.rt_period_us"};

void write_steps(Plan& plan, const BandwidthFiles& files, const std::vector<BandwidthStep>& steps) {
  for (const auto& step : steps)
    plan.write("cpu", step.of_period ? files.period : files.time, text_of(step.value, "-1"));
}

void plan_bandwidth(Plan& plan, const CpuBandwidth& bandwidth, const Present& present) {
  if (!plan.on_v1("cpu")) {
    plan.write("cpu", "cpu.max", text_of(bandwidth.quota, "max") + " " + std::to_string(bandwidth.period.count()));
  } else if (present.cpu_quota && present.cpu_period) {
    write_steps(plan, kCfs,
                bandwidth_steps({*present.cpu_quota, *present.cpu_period}, bandwidth,
                                present.cpu_nested ? Detour::kUnlimited : Detour::kBelow));
  } else {
    write_steps(plan, kCfs, {{true, bandwidth.period}, {false, bandwidth.quota}});
  }
}

Status plan_real_time(Plan& plan, const Limits& limits, const Present& present) {
  if (!limits.rt_period && !limits.rt_runtime) return {};
  // 0 is what a machine without has.
  if (!limits.rt_period && limits.rt_runtime->count() == 0 && !present.rt) return {};
  METE_CHECK(plan.need_v1("cpu", "cpu realtime bandwidth"));
  CpuBandwidth to = present.rt.value_or(CpuBandwidth{microseconds(0), microseconds(1'000'000)});
  if (limits.rt_period) to.period = *limits.rt_period;
  if (limits.rt_runtime) to.quota = *limits.rt_runtime;
  const bool fits = to.period.count() > 0 && to.quota.value().count() >= 0 && to.quota.value() <= to.period;
  if (!fits) {
    return fail("cpu realtime bandwidth: found a runtime of " + text_of(to.quota, "-1") + " us in a period of " +
                std::to_string(to.period.count()) + " us, expected a runtime of 0 to the period");
  }
  if (present.rt) {
    write_steps(plan, kRealTime,
                bandwidth_steps(*present.rt, to, present.cpu_nested ? Detour::kAbove : Detour::kBelow));
  } else {
    if (limits.rt_period) plan.write("cpu", kRealTime.period, std::to_string(to.period.count()));
    if (limits.rt_runtime) plan.write("cpu", kRealTime.time, text_of(to.quota, "-1"));
  }
  return {};
}

// A quota below the burst is refused. So the burst goes down before the quota changes, and up after it.
void plan_quota_and_burst(Plan& plan, const Limits& limits, const Present& present) {
  const auto write_burst = [&](microseconds burst) {
    plan.write("cpu", plan.on_v1("cpu") ? "cpu.cfs_burst_us" : "cpu.max.burst", std::to_string(burst.count()));
  };
  const bool lowered = limits.cpu_burst && present.cpu_burst && *limits.cpu_burst < *present.cpu_burst;
  if (lowered) write_burst(*limits.cpu_burst);
  if (limits.cpu_bandwidth) {
    const auto& quota = limits.cpu_bandwidth->quota;
    const bool in_the_way =
        !limits.cpu_burst && present.cpu_burst && !quota.is_unlimited() && *present.cpu_burst > quota.value();
    if (in_the_way) write_burst(microseconds(0));
    plan_bandwidth(plan, *limits.cpu_bandwidth, present);
  }
  if (limits.cpu_burst && !lowered) write_burst(*limits.cpu_burst);
}

}  // namespace

Status internal::plan_cpu(Plan& plan, const Limits& limits, const Present& present) {
  METE_CHECK(check_cpu(limits));
  if (limits.cpu_shares) METE_CHECK(plan.need("cpu", "cpu shares"));
  if (limits.cpu_bandwidth) METE_CHECK(plan.need("cpu", "cpu quota"));
  if (limits.cpu_burst) METE_CHECK(plan.need("cpu", "cpu burst"));
  if (limits.cpu_idle) METE_CHECK(plan.need("cpu", "cpu idle"));
  const bool v1 = plan.on_v1("cpu");
  // An idle group refuses shares, so it is woken before and put to sleep after they are written.
  if (limits.cpu_idle && !*limits.cpu_idle) plan.write("cpu", "cpu.idle", "0");
  if (limits.cpu_shares) {
    const std::uint64_t shares = *limits.cpu_shares;
    plan.write("cpu", v1 ? "cpu.shares" : "cpu.weight", std::to_string(v1 ? shares : cpu_weight_of_shares(shares)));
  }
  if (limits.cpu_idle && *limits.cpu_idle) plan.write("cpu", "cpu.idle", "1");
  plan_quota_and_burst(plan, limits, present);
  return plan_real_time(plan, limits, present);
}

}  // namespace mete::runtime::cgroup
