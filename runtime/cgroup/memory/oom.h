// SPDX-License-Identifier: Apache-2.0
// What the kernel does when a group runs out of memory, and how it notifies mete. A Group's eventfds and counters are
// in cgroup.h.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

// True: a process that hits the limit blocks instead of being killed (Limits::oom_kill_disable). False where
// !can_wait_out_of_memory(), and when the group is gone.
[[nodiscard]] bool oom_kill_disabled(const Group& group);

// True: there are groups below it in the memory controller's hierarchy. Looks at one directory.
[[nodiscard]] bool has_groups_below(const Group& group);

// True: memory.events of a group counts that group alone (cgroup v2 mounted with memory_localevents), so a kill in a
// group below causes no wake-up above it. Read once for the process.
[[nodiscard]] bool events_are_local();

// The write that lets the kernel kill again. Only where can_wait_out_of_memory().
[[nodiscard]] ControlWrite enable_oom_kill();
// The write that leaves OOMs to the kernel, by whichever limit the agent had taken the decision: enable_oom_kill() or
// no_memory_high().
[[nodiscard]] ControlWrite leave_oom_to_kernel(const Hierarchies& machine);

// A descriptor that is readable when there may be a new OOM kill; Group::oom_kill_count() tells how many there were.
// The caller must read the descriptor empty.
[[nodiscard]] Result<UniqueFd> oom_signal(const Group& group);

// Group::oom_eventfd and Group::under_oom by the path of the group's memory directory, for a process without
// Hierarchies (mete-shim). Only where can_wait_out_of_memory().
[[nodiscard]] Result<UniqueFd> oom_eventfd_of(const std::string& memory_directory);
[[nodiscard]] Result<bool> under_oom_in(const std::string& memory_directory);

}  // namespace mete::runtime::cgroup
