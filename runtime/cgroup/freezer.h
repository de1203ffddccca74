// SPDX-License-Identifier: Apache-2.0
// Freezing as writes that can be kept: put down for another process, which thaws a group when the agent does not. At
// once it is done by Group::freeze, Group::thaw and Group::frozen. And what a launcher needs whose process is frozen.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "runtime/cgroup/limit_writes.h"

namespace mete::runtime::cgroup {

// What thaws a group: cgroup.freeze where there is a cgroup2, else freezer.state.
[[nodiscard]] ControlWrite thaw_write(const Hierarchies& machine);
// Is this one of the two files?
[[nodiscard]] bool is_freezer(std::string_view file);

// For a process that says nothing: is it kept from running by a frozen group, this one (a directory of a hierarchy) or
// one above it? False when the hierarchy has no freezer.
[[nodiscard]] bool is_frozen(const std::string& directory);
// Moves the process out of a frozen v1 group, to the nearest one above it that is not frozen: frozen it would not die.
void leave_frozen(const std::string& directory, pid_t pid);

}  // namespace mete::runtime::cgroup
