// SPDX-License-Identifier: Apache-2.0
// The end of all processes of a group.
#pragma once

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// SIGKILL to all processes of the group and of groups below it. Their CPU quotas are taken away first
// (lift_cpu_quota()): a throttled process dies only when the next period begins. Measured with 5 ms of 1 s: 650 ms on
// Linux 6.18, 5 ms without the quota. Groups above keep theirs; so do those below beyond the first 64. For groups that
// are removed then, or get their quota again.
[[nodiscard]] Status kill_at_once(const Group& group);

}  // namespace mete::runtime::cgroup
