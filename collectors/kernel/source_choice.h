// SPDX-License-Identifier: Apache-2.0
// Which of the tables' files a machine has, by where its controllers are.
#pragma once

#include <string>
#include <vector>

#include "collectors/kernel/collector.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::collectors {

// Is there a hierarchy that this file can be in? Whether a kernel has the file, opening it shows.
[[nodiscard]] bool is_possible(const SourceFile& source, const runtime::cgroup::Hierarchies& machine);

// Is its controller off for a group that has these (enabled_controllers)? v1 has none that is on for one group alone.
[[nodiscard]] bool is_off(const SourceFile& source, const std::vector<std::string>& enabled);

// The list of a group's processes, in a hierarchy that has them for every group.
[[nodiscard]] SourceFile procs_file(const runtime::cgroup::Hierarchies& machine);

}  // namespace mete::collectors
