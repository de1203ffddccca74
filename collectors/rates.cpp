// SPDX-License-Identifier: Apache-2.0
#include "collectors/rates.h"

#include <algorithm>

namespace mete::collectors {
namespace {

using Real = std::optional<double>;

double number(std::uint64_t n) {
  return static_cast<double>(n);
}
double number(Bytes n) {
  return static_cast<double>(n.count());
}
double number(std::chrono::nanoseconds n) {
  return static_cast<double>(n.count()) / 1e9;
}

// A counter that is smaller than before has restarted at zero.
template <class T>
Real increase(const Known<T>& before, const Known<T>& now) {
  if (!before || !now) return std::nullopt;
  return *now < *before ? number(*now) : number(*now) - number(*before);
}

template <class T>
Real per_second(const Known<T>& before, const Known<T>& now, double seconds) {
  const Real more = increase(before, now);
  return more ? Real(*more / seconds) : std::nullopt;
}

bool same(const DeviceSample& a, const DeviceSample& b) {
  return a.major == b.major && a.minor == b.minor;
}
bool same(const InterfaceSample& a, const InterfaceSample& b) {
  return a.name == b.name;
}

// The sum over all devices (interfaces). The counters of a new one count from 0.
template <class Item>
Real sum_per_second(const std::vector<Item>& before, const std::vector<Item>& now, Size Item::*member, double seconds) {
  Real sum;
  for (const Item& item : now) {
    const auto old = std::find_if(before.begin(), before.end(), [&](const Item& other) { return same(item, other); });
    const Size zero = Bytes(0);
    const Real more = increase(old == before.end() ? zero : (*old).*member, item.*member);
    if (more) sum = sum.value_or(0) + *more / seconds;
  }
  return sum;
}

// A share of wall time, cut at 1: inexact sampling times can make it a little more.
Real stalled(const Time& before, const Time& now, double seconds) {
  const Real share = per_second(before, now, seconds);
  return share ? Real(std::min(*share, 1.0)) : std::nullopt;
}

void rate_cpu(const CpuSample& before, const CpuSample& now, double seconds, Rates& out) {
  out.cpu_cores = per_second(before.usage, now.usage, seconds);
  out.cpu_user_cores = per_second(before.user, now.user, seconds);
  out.cpu_system_cores = per_second(before.system, now.system, seconds);
  out.throttled_seconds = per_second(before.throttled, now.throttled, seconds);
  const Real periods = increase(before.periods, now.periods);
  const Real throttled = increase(before.throttled_periods, now.throttled_periods);
  if (periods && throttled && *periods > 0) out.throttled_ratio = std::min(*throttled / *periods, 1.0);
  if (out.cpu_cores && now.quota && now.period && now.quota->count() > 0 && now.period->count() > 0) {
    out.cpu_of_quota = *out.cpu_cores * number(*now.period) / number(*now.quota);
  }
}

void rate_memory(const MemorySample& before, const MemorySample& now, double seconds, Rates& out) {
  const Size was = before.working_set();
  const Size is = now.working_set();
  if (was && is) out.memory_growth = (number(*is) - number(*was)) / seconds;
  if (is && now.limit && !now.limit->is_unlimited() && now.limit->value() > Bytes(0)) {
    out.memory_of_limit = number(*is) / number(now.limit->value());
  }
  out.page_faults = per_second(before.page_faults, now.page_faults, seconds);
  out.major_page_faults = per_second(before.major_page_faults, now.major_page_faults, seconds);
  const Count kills_before = before.oom_kills;
  const Count kills = now.oom_kills;
  if (kills_before && kills) out.oom_kills = *kills < *kills_before ? *kills : *kills - *kills_before;
}

}  // namespace

Rates rates(const Sample& before, const Sample& now) {
  Rates out;
  const double seconds = std::chrono::duration<double>(now.at - before.at).count();
  if (seconds <= 0) return out;
  rate_cpu(before.cpu, now.cpu, seconds, out);
  rate_memory(before.memory, now.memory, seconds, out);
  out.read_bytes = sum_per_second(before.devices, now.devices, &DeviceSample::read_bytes, seconds);
  out.write_bytes = sum_per_second(before.devices, now.devices, &DeviceSample::write_bytes, seconds);
  out.receive_bytes = sum_per_second(before.interfaces, now.interfaces, &InterfaceSample::receive_bytes, seconds);
  out.transmit_bytes = sum_per_second(before.interfaces, now.interfaces, &InterfaceSample::transmit_bytes, seconds);
  out.cpu_waiting = stalled(before.cpu_pressure.some, now.cpu_pressure.some, seconds);
  out.memory_waiting = stalled(before.memory_pressure.some, now.memory_pressure.some, seconds);
  out.memory_stalled = stalled(before.memory_pressure.full, now.memory_pressure.full, seconds);
  out.io_waiting = stalled(before.io_pressure.some, now.io_pressure.some, seconds);
  out.io_stalled = stalled(before.io_pressure.full, now.io_pressure.full, seconds);
  return out;
}

}  // namespace mete::collectors
