// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/process_files.h"

#include "runtime/cgroup/internal.h"

namespace mete::runtime::cgroup {

Status attach_unified(const Group& group, pid_t pid) {
  return internal::write_control(group.unified_directory(), std::string(kProcsFile), std::to_string(pid));
}

std::vector<std::string> process_mounts(const Hierarchies& machine) {
  std::vector<std::string> mounts = machine.v1_process_mounts();
  if (!machine.v2_mount.empty()) mounts.push_back(machine.v2_mount);
  return mounts;
}

std::string main_directory(const Group& group) {
  const Hierarchies& machine = group.hierarchies();
  return machine.v2_mount.empty() ? machine.v1_mounts().front() + group.path() : group.unified_directory();
}

}  // namespace mete::runtime::cgroup
