// SPDX-License-Identifier: Apache-2.0
// How a new process gets into its cgroups without the wait that every write to cgroup.procs pays.
//
// Such a write takes the kernel's cgroup_threadgroup_rwsem for writing, which after some idle time begins with an RCU
// grace period: 6 to 20 ms. Two ways lead around it, and between them they cover v1, v2 and hybrid:
//   v2, and the twin on hybrid   clone3 with CLONE_INTO_CGROUP (linux 5.7)
//   v1                           the process writes "0" to the file "tasks": for a single thread that moves itself the
//                                kernel needs no lock. The parent opens the files and hands them over, so that neither
//                                a user namespace nor the container's root is in the way of the permission check
#pragma once

#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::process {

[[nodiscard]] CgroupJoin join_of(const cgroup::Group& group);

struct V1Entry {
  std::vector<UniqueFd> tasks;           // the child writes "0" to each
  std::vector<std::string> procs_files;  // what is left for the parent to write
};

// For clone3; invalid: there is no cgroup2. The error names the cgroup that is not there.
[[nodiscard]] Result<UniqueFd> open_v2(const CgroupJoin& join);
[[nodiscard]] Result<V1Entry> open_v1(const CgroupJoin& join);

}  // namespace mete::runtime::process
