// SPDX-License-Identifier: Apache-2.0
// What a child is given besides its plan, put together before the clone because the child may not allocate.
// Internal to runtime/process.
#pragma once

#include <string>
#include <vector>

#include "runtime/process/child/child.h"

namespace mete::runtime::process {

// argv or envp of `texts`, which must outlive it; a null at the end.
[[nodiscard]] std::vector<char*> pointers(const std::vector<std::string>& texts);

// For ChildFds::kept, which refers to the others of `fds`.
[[nodiscard]] std::vector<int> kept_descriptors(const ChildFds& fds);

}  // namespace mete::runtime::process
