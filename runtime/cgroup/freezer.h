// SPDX-License-Identifier: Apache-2.0
// The thaw as a ControlWrite, which another process carries out when the agent has died (Group::freeze and Group::thaw
// act at once); and help for a launcher whose process is in a frozen group.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::runtime::cgroup {

// The write that thaws a group: cgroup.freeze where there is a cgroup2, else freezer.state.
[[nodiscard]] ControlWrite thaw_write(const Hierarchies& machine);
// True for the name of one of the two files.
[[nodiscard]] bool is_freezer(std::string_view file);

// True when the group (a directory of a hierarchy) or one above it is frozen: explains why a process in it does not
// answer. False when the hierarchy has no freezer.
[[nodiscard]] bool is_frozen(const std::string& directory);
// Moves the process out of a frozen v1 group to the nearest group above that is not frozen. A frozen process does not
// die when it is killed.
void leave_frozen(const std::string& directory, pid_t pid);

}  // namespace mete::runtime::cgroup
