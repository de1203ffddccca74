// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/bandwidth_steps.h"

#include <algorithm>
#include <optional>

namespace mete::runtime::cgroup {
namespace {

using std::chrono::microseconds;
// A product of two times can have more than 64 bits.
__extension__ using Wide = unsigned __int128;

struct Share {
  std::uint64_t time;
  std::uint64_t period;
  bool operator==(const Share&) const = default;
};

bool less(const Share& a, const Share& b) {
  return Wide{a.time} * b.period < Wide{b.time} * a.period;
}

bool is_between(const Share& share, const Share& a, const Share& b) {
  return !less(share, std::min(a, b, less)) && !less(std::max(a, b, less), share);
}

// The largest time in `period` that is no larger share than `most`.
std::uint64_t largest_time(const Share& most, std::uint64_t period) {
  return static_cast<std::uint64_t>(Wide{most.time} * period / most.period);
}

// The longest period in which `time` is no smaller share than `least`.
std::uint64_t longest_period(const Share& least, std::uint64_t time) {
  return static_cast<std::uint64_t>(Wide{time} * least.period / least.time);
}

// From the one with the smaller numbers to the other: time and period grow in turn, each as far as the share allows.
// Empty: too many steps, or no way.
std::vector<Share> staircase(const Share& from, const Share& to) {
  constexpr std::size_t kMost = 32;
  const Share least = std::min(from, to, less);
  const Share most = std::max(from, to, less);
  std::vector<Share> stairs = {from};
  Share at = from;
  while (!(at == to)) {
    const Share before = at;
    at.time = std::min(to.time, largest_time(most, at.period));
    if (at.time != before.time) stairs.push_back(at);
    const std::uint64_t time_alone = at.period;
    at.period = std::min(to.period, longest_period(least, at.time));
    if (at.period != time_alone) stairs.push_back(at);
    if (at == before || stairs.size() > kMost + 1) return {};
  }
  return stairs;
}

BandwidthStep of_time(Limit<microseconds> time) {
  return {false, time};
}
BandwidthStep of_period(microseconds period) {
  return {true, period};
}

std::optional<std::vector<BandwidthStep>> stairs_between(const Share& from, const Share& to) {
  const bool grows = from.period < to.period;
  auto stairs = grows ? staircase(from, to) : staircase(to, from);
  if (stairs.empty()) return std::nullopt;
  if (!grows) std::reverse(stairs.begin(), stairs.end());
  std::vector<BandwidthStep> steps;
  for (std::size_t i = 1; i < stairs.size(); ++i) {
    const bool period = stairs[i].period != stairs[i - 1].period;
    steps.push_back({period, microseconds(period ? stairs[i].period : stairs[i].time)});
  }
  return steps;
}

}  // namespace

std::vector<BandwidthStep> bandwidth_steps(const CpuBandwidth& from, const CpuBandwidth& to, Detour detour) {
  const BandwidthStep time = of_time(to.quota);
  const BandwidthStep period = of_period(to.period);
  std::vector<BandwidthStep> steps;
  if (from.quota == to.quota || from.period == to.period) {
    if (from.period != to.period) steps.push_back(period);
    if (from.quota != to.quota) steps.push_back(time);
    return steps;
  }
  // No limit is the largest share, whatever the period.
  if (from.quota.is_unlimited()) return {period, time};
  if (to.quota.is_unlimited()) return {time, period};
  const auto number = [](microseconds value) { return static_cast<std::uint64_t>(value.count()); };
  const Share before{number(from.quota.value()), number(from.period)};
  const Share after{number(to.quota.value()), number(to.period)};
  if (is_between({after.time, before.period}, before, after)) return {time, period};
  if (is_between({before.time, after.period}, before, after)) return {period, time};
  // Both grow, or both shrink: one order is above both, the other below.
  if (auto stairs = stairs_between(before, after)) return *stairs;
  if (detour == Detour::kUnlimited) return {of_time({}), period, time};
  const bool period_first = (before.period < after.period) == (detour == Detour::kBelow);
  return period_first ? std::vector{period, time} : std::vector{time, period};
}

}  // namespace mete::runtime::cgroup
