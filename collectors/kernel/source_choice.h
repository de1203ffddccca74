// SPDX-License-Identifier: Apache-2.0
// Chooses those files of the collectors' tables that a machine can have, by the hierarchies that its controllers are
// in.
#pragma once

#include <string>
#include <vector>

#include "collectors/kernel/collector.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::collectors {

// True: the machine has a hierarchy that the file can be in. Whether the kernel has the file is known when it is
// opened.
[[nodiscard]] bool is_possible(const SourceFile& source, const runtime::cgroup::Hierarchies& machine);

// True: the file's controller is off for a group that has the controllers `enabled` (enabled_controllers). On v1 a
// controller is on for all groups.
[[nodiscard]] bool is_off(const SourceFile& source, const std::vector<std::string>& enabled);

// The file that lists a group's processes, in a hierarchy that every group is in.
[[nodiscard]] SourceFile procs_file(const runtime::cgroup::Hierarchies& machine);

}  // namespace mete::collectors
