// SPDX-License-Identifier: Apache-2.0
// Helps to watch a cgroup by inotify: the directories to watch, and the meaning of a change of a file in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// The directories in which its limits are, each once: on v1 one of each hierarchy, on v2 the group's own.
[[nodiscard]] std::vector<std::string> limit_directories(const Group& group);
// Those in which it is frozen and thawed, beside limit_directories().
[[nodiscard]] std::vector<std::string> freezer_directories(const Group& group);

enum class FileChange : std::uint8_t {
  kNone,     // a write by the kernel or by users of the cgroup that changes no limit
  kMemory,   // the kernel counted an event of memory, perhaps an OOM kill (v2; IN_MODIFY)
  kRefusal,  // the kernel counted a refusal (refusals.h; IN_MODIFY)
  kFreeze,   // a program asked for a freeze or a thaw
  kSetting,  // a program wrote a limit, or a file that is taken for one
};
// `file` as inotify names it, without a directory; empty (of the directory itself): kNone.
[[nodiscard]] FileChange change_of(std::string_view file);

}  // namespace mete::runtime::cgroup
