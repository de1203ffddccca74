// SPDX-License-Identifier: Apache-2.0
// The limits that take effect for a cgroup: its own settings and those of all its ancestors. Pure.
#pragma once

#include <span>

#include "collectors/reading.h"

namespace mete::collectors {

// The tightest CPU quota, cpuset and memory limit over `chain` and the machine. `chain` goes from the cgroup to the
// root; a null stands for a group that was not read. The result is empty only when the machine's own size is unknown
// too.
//
// Where the kernel has no cpu.stat.local, the time for which a quota above stopped the group is not known: an
// ancestor's counter also counts time in which this group had nothing to run. The counter of the nearest ancestor with
// a quota is therefore reported as that ancestor's: an upper bound.
[[nodiscard]] EffectiveLimits effective_limits(std::span<const Sample* const> chain, const Machine& machine);

}  // namespace mete::collectors
