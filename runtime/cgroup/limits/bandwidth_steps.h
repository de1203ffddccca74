// SPDX-License-Identifier: Apache-2.0
// Leads from one share of CPU time to another on v1. v1 has the share in two files, time and period, which are written
// one after the other, so between the two writes the kernel sees a third share. Pure.
//
// A parent's share bounds its children's (kernel/sched/core.c, tg_cfs_schedulable_down; kernel/sched/rt.c,
// tg_rt_schedulable). So the parent can refuse an intermediate share that is larger than both, and a child one that is
// smaller than both.
#pragma once

#include <chrono>
#include <vector>

#include "runtime/cgroup/limits/limits.h"

namespace mete::runtime::cgroup {

// One write: of the period, or of the time.
struct BandwidthStep {
  bool of_period = false;
  Limit<std::chrono::microseconds> value;  // never unlimited for a period
  bool operator==(const BandwidthStep&) const = default;
};

// The direction in which the share may leave the range between the two for a moment, when no writes stay within it
// because the two are (nearly) the same share.
enum class Detour : std::uint8_t {
  kBelow,      // the kernel refuses it if a group below has all of the share
  kAbove,      // the kernel refuses it if the parent has no more
  kUnlimited,  // CFS only, where every parent allows it: for a moment the group has its parent's share
};

// The writes that lead from `from` to `to`, without any that changes nothing. The time stays between the two times, and
// the period between the two periods. The share stays between the two shares too, unless that takes more than 32
// writes: then it takes the detour.
[[nodiscard]] std::vector<BandwidthStep> bandwidth_steps(const CpuBandwidth& from, const CpuBandwidth& to,
                                                         Detour detour);

}  // namespace mete::runtime::cgroup
