// SPDX-License-Identifier: Apache-2.0
// Watching a cgroup's directories by inotify: which there are, and what a change of a file in them means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// The directories in which its limits are, each once: on v1 one of each hierarchy, on v2 the group's own.
[[nodiscard]] std::vector<std::string> limit_directories(const Group& group);

enum class FileChange : std::uint8_t {
  kNone,     // written by those who use a cgroup, or by the kernel; it says nothing
  kMemory,   // the kernel counted something that memory ran into: an OOM kill perhaps (v2; IN_MODIFY)
  kRefusal,  // the kernel counted a refusal (refusals.h; IN_MODIFY)
  kSetting,  // somebody wrote a limit, or what is taken for one
};
// `file` as inotify names it, without a directory; empty (of the directory itself): kNone.
[[nodiscard]] FileChange change_of(std::string_view file);

}  // namespace mete::runtime::cgroup
