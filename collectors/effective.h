// SPDX-License-Identifier: Apache-2.0
// What really limits a cgroup: its own settings and those of all above it. Pure.
#pragma once

#include <span>

#include "collectors/reading.h"

namespace mete::collectors {

// `chain` goes from the cgroup to the root; a null stands for one that was not read. The tightest CPU quota, cpuset and
// memory limit over the chain and the machine; empty only when not even the machine is known.
//
// Where the kernel has no cpu.stat.local nobody can tell how long a group was stopped by a quota above it: the
// ancestor's counter also counts time in which this group had nothing to run. So that counter is given as what it is,
// the ancestor's (the nearest one with a quota): an upper bound.
[[nodiscard]] EffectiveLimits effective_limits(std::span<const Sample* const> chain, const Machine& machine);

}  // namespace mete::collectors
