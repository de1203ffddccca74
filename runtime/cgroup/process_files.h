// SPDX-License-Identifier: Apache-2.0
// The files that list and move the processes of a cgroup, for code that keeps directories open or walks all
// hierarchies.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// All processes, one pid a line; writing a pid moves that process with all its threads.
inline constexpr std::string_view kProcsFile = "cgroup.procs";
// v1 alone: threads. "0" moves the writing thread.
inline constexpr std::string_view kTasksFile = "tasks";

// The part of Group::attach that is in cgroup2.
[[nodiscard]] Status attach_unified(const Group& group, pid_t pid);

// The mount points of all hierarchies in which processes have a group: v1_process_mounts(), and cgroup2's.
[[nodiscard]] std::vector<std::string> process_mounts(const Hierarchies& machine);
// The directory of a group that we made in the hierarchy that is never missing: cgroup2, else the first of v1.
[[nodiscard]] std::string main_directory(const Group& group);

}  // namespace mete::runtime::cgroup
