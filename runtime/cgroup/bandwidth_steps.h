// SPDX-License-Identifier: Apache-2.0
// v1 holds a share of CPU time in two files, the time and its period, and one of them is written at a time: what the
// kernel sees in between is a third share. Pure.
//
// A parent's share bounds its children's (kernel/sched/core.c, tg_cfs_schedulable_down; kernel/sched/rt.c,
// tg_rt_schedulable). So a share between that is larger than both can be refused by the parent, and one that is smaller
// than both by a child.
#pragma once

#include <chrono>
#include <vector>

#include "runtime/cgroup/limits.h"

namespace mete::runtime::cgroup {

// One write: of the period, or of the time.
struct BandwidthStep {
  bool of_period = false;
  Limit<std::chrono::microseconds> value;  // never unlimited for a period
  bool operator==(const BandwidthStep&) const = default;
};

// Where the share may be for a moment when there is no way between the two, because they are (nearly) the same share.
enum class Detour : std::uint8_t {
  kBelow,      // refused if a group below has all of it
  kAbove,      // refused if the parent has no more
  kUnlimited,  // CFS alone, which takes it from every parent: for a moment the group has what its parent has
};

// The writes that lead from one to the other; none that changes nothing. The time stays between both times and the
// period between both periods; the share does, too, unless that takes more than 32 writes: then it takes the detour.
[[nodiscard]] std::vector<BandwidthStep> bandwidth_steps(const CpuBandwidth& from, const CpuBandwidth& to,
                                                         Detour detour);

}  // namespace mete::runtime::cgroup
