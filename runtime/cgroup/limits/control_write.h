// SPDX-License-Identifier: Apache-2.0
// Carries out a single ControlWrite that this layer has made (oom.h, freezer.h, memory.h, ...), or gives its path, so
// that another process can carry it out later.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

[[nodiscard]] inline Status write(const Group& group, const ControlWrite& what) {
  return group.write(what.controller, what.file, what.text);
}

// The path of the file to write.
[[nodiscard]] inline std::string path_of(const Group& group, const ControlWrite& what) {
  return group.directory(what.controller) + "/" + what.file;
}

}  // namespace mete::runtime::cgroup
