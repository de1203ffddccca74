// SPDX-License-Identifier: Apache-2.0
// Out of memory: what the kernel does then, and how one is told. The wake-ups and counters of a Group are in cgroup.h.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

// Does a process of it that hits the limit block, instead of being killed (Limits::oom_kill_disable)? False where
// !can_wait_out_of_memory(), and when the group is gone.
[[nodiscard]] bool oom_kill_disabled(const Group& group);

// Are there groups below it? One look at its directory. Of the memory controller's hierarchy.
[[nodiscard]] bool has_groups_below(const Group& group);

// Is memory.events of a group alone (cgroup v2 mounted with memory_localevents)? Then a kill in a group below wakes
// nobody above it. Read once for the process.
[[nodiscard]] bool events_are_local();

// What makes the kernel kill again. Only where can_wait_out_of_memory().
[[nodiscard]] ControlWrite enable_oom_kill();
// What leaves an OOM to the kernel, whatever Limits for a decision of the agent's are there: enable_oom_kill() or
// no_memory_high().
[[nodiscard]] ControlWrite leave_oom_to_kernel(const Hierarchies& machine);

// Readable whenever there may be a new OOM kill; how many there were, Group::oom_kill_count tells. What is readable is
// to be read away.
[[nodiscard]] Result<UniqueFd> oom_signal(const Group& group);

// By the group's memory directory alone, for a process that knows nothing of Hierarchies (mete-shim). Only where
// can_wait_out_of_memory(): as Group::oom_eventfd and Group::under_oom.
[[nodiscard]] Result<UniqueFd> oom_eventfd_of(const std::string& memory_directory);
[[nodiscard]] Result<bool> under_oom_in(const std::string& memory_directory);

}  // namespace mete::runtime::cgroup
