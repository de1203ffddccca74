// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/limits/changes.h"

#include <algorithm>

#include "runtime/cgroup/freezer.h"

namespace mete::runtime::cgroup {

std::vector<std::string> limit_directories(const Group& group) {
  std::vector<std::string> directories;
  for (const char* controller : {"cpu", "cpuset", "memory", "pids", "hugetlb", "blkio", "io", "net_cls"}) {
    std::string directory = group.directory(controller);
    if (directory.empty() || std::find(directories.begin(), directories.end(), directory) != directories.end())
      continue;
    directories.push_back(std::move(directory));
  }
  return directories;
}

std::vector<std::string> freezer_directories(const Group& group) {
  const auto limits = limit_directories(group);
  std::vector<std::string> directories;
  for (std::string directory : {group.unified_directory(), group.directory("freezer")}) {
    if (!directory.empty() && std::find(limits.begin(), limits.end(), directory) == limits.end())
      directories.push_back(std::move(directory));
  }
  return directories;
}

FileChange change_of(std::string_view file) {
  if (file == "memory.events") return FileChange::kMemory;
  if (file == "pids.events" || file == "pids.events.local" || file == "memory.swap.events") return FileChange::kRefusal;
  if (is_freezer(file)) return FileChange::kFreeze;
  const bool no_setting = file.empty() || file.find(".events") != std::string_view::npos || file == "cgroup.procs" ||
                          file == "tasks" || file == "cgroup.event_control" || file == "memory.reclaim" ||
                          file == "memory.force_empty" || file == "memory.pressure" || file == "cpu.pressure" ||
                          file == "io.pressure";
  return no_setting ? FileChange::kNone : FileChange::kSetting;
}

}  // namespace mete::runtime::cgroup
