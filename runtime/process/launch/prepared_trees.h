// SPDX-License-Identifier: Apache-2.0
// Mounts that the launcher makes for the child (BindMount::copier): detached copies, made in the launcher's own
// mount namespace. Only there does a shared mount still have its peers and the process the right to map owners
// (MOUNT_ATTR_IDMAP, Linux 5.12).
#pragma once

#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

struct PreparedTrees {
  std::vector<UniqueFd> trees;  // in the order of the operations
  [[nodiscard]] std::vector<int> numbers() const;
};

// The error names the source.
[[nodiscard]] Result<PreparedTrees> prepare_trees(const Plan& plan);

}  // namespace mete::runtime::process
