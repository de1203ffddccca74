// SPDX-License-Identifier: Apache-2.0
// How a new process enters its cgroups without the wait that every write to cgroup.procs costs.
//
// Such a write takes the kernel's cgroup_threadgroup_rwsem for writing. After some idle time the lock begins with an
// RCU grace period: 6 to 20 ms. Two ways avoid the lock, and together they cover v1, v2 and hybrid:
//   v2, and the twin on hybrid   clone3 with CLONE_INTO_CGROUP (linux 5.7)
//   v1                           the process writes "0" to the file "tasks": a single thread that moves itself needs no
//                                lock. The parent opens the files and passes the descriptors, so that neither a user
//                                namespace nor the container's root can make the permission check fail
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::process {

[[nodiscard]] CgroupJoin join_of(const cgroup::Group& group);

struct V1Entry {
  std::vector<UniqueFd> tasks;           // the child writes "0" to each
  std::vector<std::string> procs_files;  // the parent must write these: they have no "tasks" file
};

// A directory descriptor for clone3; invalid when the machine has no cgroup2. The error names the missing cgroup.
[[nodiscard]] Result<UniqueFd> open_v2(const CgroupJoin& join);
[[nodiscard]] Result<V1Entry> open_v1(const CgroupJoin& join);

}  // namespace mete::runtime::process
