// SPDX-License-Identifier: Apache-2.0
// Freezing as writes that can be kept: put down for another process, which thaws a group when the agent does not. At
// once it is done by Group::freeze, Group::thaw and Group::frozen.
#pragma once

#include <string_view>

#include "runtime/cgroup/limit_writes.h"

namespace mete::runtime::cgroup {

// What thaws a group: cgroup.freeze where there is a cgroup2, else freezer.state.
[[nodiscard]] ControlWrite thaw_write(const Hierarchies& machine);
// Is this one of the two files?
[[nodiscard]] bool is_freezer(std::string_view file);

}  // namespace mete::runtime::cgroup
