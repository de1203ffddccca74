// SPDX-License-Identifier: Apache-2.0
// The abilities of this machine's cgroups, as far as they follow from the hierarchies that its controllers are in. All
// functions are pure. The layers above ask for an ability and never for a version of cgroups: when a kernel brings an
// ability to the other version, only this file changes. Abilities that must be tried on the kernel are in features.h.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// True: the machine has the controller for the fields of Limits about this subject.
[[nodiscard]] bool has_cpu(const Hierarchies& machine);
[[nodiscard]] bool has_memory(const Hierarchies& machine);
[[nodiscard]] bool has_pids(const Hierarchies& machine);
[[nodiscard]] bool has_io(const Hierarchies& machine);
[[nodiscard]] bool has_huge_pages(const Hierarchies& machine);
[[nodiscard]] bool has_net_class(const Hierarchies& machine);  // Limits::net_class

// A process that hits the memory limit can be made to block until memory is freed or the limit is raised, instead of
// being killed (Limits::oom_kill_disable). v1.
[[nodiscard]] bool can_wait_out_of_memory(const Hierarchies& machine);
// Limits::memory_high: usage above it is throttled and reclaimed. v2.
[[nodiscard]] bool has_memory_high(const Hierarchies& machine);
// Limits::memory_min: memory that is never reclaimed. Without it there is Limits::memory_soft. v2.
[[nodiscard]] bool has_memory_min(const Hierarchies& machine);
// Limits::oom_group: the kernel's OOM killer can be told to kill the whole group. v2.
[[nodiscard]] bool has_oom_group(const Hierarchies& machine);
// The kernel wakes for any level of memory usage (Group::usage_eventfd). Without it usage has to be polled. v1.
[[nodiscard]] bool has_usage_thresholds(const Hierarchies& machine);
// Writing a memory limit below the usage makes the kernel reclaim while the writer waits. Without it the kernel kills
// at once, and room has to be made before (ask_to_reclaim). v1.
[[nodiscard]] bool limit_makes_room(const Hierarchies& machine);
// A refused fork changes a counter that no file event tells of: it has to be polled (refusals.h). v1.
[[nodiscard]] bool refused_forks_are_silent(const Hierarchies& machine);
// The unit of systemd that holds a cgroup takes its memory limits in the words of cgroup2 (MemoryMax).
[[nodiscard]] bool units_take_memory_max(const Hierarchies& machine);

// The controllers of cgroup2 that are on for this group; its parent may leave out some that other groups have. Empty:
// no cgroup2, or (hybrid) others made the group and it is not in cgroup2.
[[nodiscard]] std::vector<std::string> enabled_controllers(const Group& group);

}  // namespace mete::runtime::cgroup
