// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/freezer.h"

namespace mete::runtime::cgroup {

ControlWrite thaw_write(const Hierarchies& machine) {
  if (machine.v2_mount.empty()) return {"freezer", "freezer.state", "THAWED"};
  return {"", "cgroup.freeze", "0"};
}

bool is_freezer(std::string_view file) {
  return file == "cgroup.freeze" || file == "freezer.state";
}

}  // namespace mete::runtime::cgroup
