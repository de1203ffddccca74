// SPDX-License-Identifier: Apache-2.0
#include "collectors/kernel/source_choice.h"

#include <algorithm>

#include "runtime/cgroup/process_files.h"

namespace mete::collectors {

using runtime::cgroup::Hierarchies;
using runtime::cgroup::kProcsFile;

bool is_possible(const SourceFile& source, const Hierarchies& machine) {
  switch (source.where) {
    case Where::kV1:
      return machine.on_v1(source.controller);
    case Where::kV2:
      return machine.on_v2(source.controller) && !machine.on_v1(source.controller);
    case Where::kUnified:
      return !machine.v2_mount.empty();
  }
  return false;
}

bool is_off(const SourceFile& source, const std::vector<std::string>& enabled) {
  return source.where == Where::kV2 && std::find(enabled.begin(), enabled.end(), source.controller) == enabled.end();
}

// On hybrid the twin has the processes too when the launcher cares for it; a v1 hierarchy always has.
SourceFile procs_file(const Hierarchies& machine) {
  for (const std::string_view controller : {"pids", "memory", "cpu", "cpuacct", "freezer"}) {
    if (machine.on_v1(controller)) return {Where::kV1, controller, kProcsFile, nullptr};
  }
  return {Where::kUnified, "", kProcsFile, nullptr};
}

}  // namespace mete::collectors
