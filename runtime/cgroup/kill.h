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

// The same without cgroup.kill, one process after the other: for a group into which a program of others clones later
// (clone3 with CLONE_INTO_CGROUP), as crun does. Linux 6.1.176 and 6.18 kill what is cloned into a group that was once
// killed by that file, at once. runtime/process/launch/launcher.cpp tries again in another way; others do not.
[[nodiscard]] Status kill_by_signals(const Group& group);

}  // namespace mete::runtime::cgroup
