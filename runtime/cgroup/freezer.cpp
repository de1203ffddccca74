// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/freezer.h"

#include "runtime/cgroup/internal.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/cgroup/text.h"

namespace mete::runtime::cgroup {

ControlWrite thaw_write(const Hierarchies& machine) {
  if (machine.v2_mount.empty()) return {"freezer", "freezer.state", "THAWED"};
  return {"", "cgroup.freeze", "0"};
}

bool is_freezer(std::string_view file) {
  return file == "cgroup.freeze" || file == "freezer.state";
}

namespace {

// A group whose tasks are only asked to stop holds a new task as well.
bool is_frozen_v1(const std::string& directory) {
  const auto state = internal::read_control(directory, "freezer.state");
  return state && trim(*state) != "THAWED";
}

}  // namespace

bool is_frozen(const std::string& directory) {
  if (is_frozen_v1(directory)) return true;
  const auto events = internal::read_control(directory, "cgroup.events");
  return events && value_of(*events, "frozen").value_or(0) == 1;
}

void leave_frozen(const std::string& directory, pid_t pid) {
  std::string above = directory;
  while (is_frozen_v1(above)) above.resize(above.rfind('/'));
  if (above != directory) (void)internal::write_control(above, std::string(kProcsFile), std::to_string(pid));
}

}  // namespace mete::runtime::cgroup
