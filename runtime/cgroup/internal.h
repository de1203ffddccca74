// SPDX-License-Identifier: Apache-2.0
// Shared by the .cpp files of this folder alone.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup::internal {

// The kernel's errno of a control file in `directory`, told apart: kGone when the cgroup is gone (ENODEV, or ENOENT and
// no directory), EOPNOTSUPP when the cgroup is there and the file is not, else as it is.
[[nodiscard]] Error control_error(Error error, const std::string& directory, const std::string& file);

[[nodiscard]] Result<std::string> read_control(const std::string& directory, const std::string& file);
[[nodiscard]] Status write_control(const std::string& directory, const std::string& file, std::string_view text);

// Group::write for limits: enables a v2 controller that is off, and explains a limit below usage.
[[nodiscard]] Status write_limit(const Group& group, const ControlWrite& write);

[[nodiscard]] bool is_directory(const std::string& path);
// Names of the directories in it. kGone when there is no such directory.
[[nodiscard]] Result<std::vector<std::string>> children(const std::string& directory);
// Appends the pids of the group and, if nested, of the groups below it; 0 (of another pid namespace) is left out.
[[nodiscard]] Status append_processes(const std::string& directory, bool nested, std::vector<pid_t>& pids);

// v2: makes `controller` available in `directory`, by subtree_control of its ancestors, from `mount` down.
[[nodiscard]] Status enable_controllers(const std::string& mount, const std::string& path,
                                        const std::vector<std::string_view>& controllers);

}  // namespace mete::runtime::cgroup::internal
