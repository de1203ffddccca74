// SPDX-License-Identifier: Apache-2.0
// Carrying out single writes of this layer's making (oom.h, freezer.h, memory.h, ...), or putting them down for
// somebody else to carry out.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

[[nodiscard]] inline Status write(const Group& group, const ControlWrite& what) {
  return group.write(what.controller, what.file, what.text);
}

// The path of the file that it is written to.
[[nodiscard]] inline std::string path_of(const Group& group, const ControlWrite& what) {
  return group.directory(what.controller) + "/" + what.file;
}

}  // namespace mete::runtime::cgroup
