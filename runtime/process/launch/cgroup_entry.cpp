// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/launch/cgroup_entry.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "runtime/cgroup/process_files.h"
#include "runtime/file.h"

namespace mete::runtime::process {

CgroupJoin join_of(const cgroup::Group& group) {
  CgroupJoin join;
  join.procs_files = group.procs_files();
  join.v2_directory = group.unified_directory();
  std::erase(join.procs_files, join.v2_directory + "/" + std::string(cgroup::kProcsFile));
  return join;
}

Result<UniqueFd> open_v2(const CgroupJoin& join) {
  if (join.v2_directory.empty()) return UniqueFd();
  return open_at(AT_FDCWD, join.v2_directory, O_RDONLY | O_DIRECTORY);
}

Result<V1Entry> open_v1(const CgroupJoin& join) {
  constexpr std::string_view kProcs = cgroup::kProcsFile;
  V1Entry entry;
  for (const auto& file : join.procs_files) {
    if (!file.ends_with(kProcs))
      return fail("cgroup: found \"" + file + "\", expected a path of " + std::string(kProcs));
    auto tasks =
        open_at(AT_FDCWD, file.substr(0, file.size() - kProcs.size()) + std::string(cgroup::kTasksFile), O_WRONLY);
    if (tasks) {
      entry.tasks.push_back(std::move(*tasks));
    } else if (::access(file.c_str(), F_OK) == 0) {
      entry.procs_files.push_back(file);  // a v2 twin in a plan of an older build has no "tasks" file
    } else {
      return tl::unexpected<Error>(std::move(tasks.error()));
    }
  }
  return entry;
}

}  // namespace mete::runtime::process
