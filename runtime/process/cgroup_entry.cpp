// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/cgroup_entry.h"

#include <fcntl.h>

#include <string_view>

#include "runtime/file.h"

namespace mete::runtime::process {

Result<CgroupEntry> open_entry(const CgroupJoin& join) {
  constexpr std::string_view kProcs = "cgroup.procs";
  CgroupEntry entry;
  std::string v2 = join.v2_directory;
  for (const auto& file : join.procs_files) {
    if (!file.ends_with(kProcs)) return fail("cgroup: found \"" + file + "\", expected a path of cgroup.procs");
    const std::string directory = file.substr(0, file.size() - kProcs.size());
    auto tasks = open_at(AT_FDCWD, directory + "tasks", O_WRONLY);
    if (tasks) {
      entry.tasks.push_back(std::move(*tasks));
    } else if (v2.empty()) {
      v2 = directory;  // only v2 has no "tasks"
    } else {
      entry.procs_files.push_back(file);
    }
  }
  if (!v2.empty()) {
    METE_TRY(entry.v2_directory, open_at(AT_FDCWD, v2, O_RDONLY | O_DIRECTORY));
  }
  return entry;
}

}  // namespace mete::runtime::process
