// SPDX-License-Identifier: Apache-2.0
// Clones a process into an existing user namespace, so that the namespaces made by the clone belong to it.
#pragma once

#include <linux/sched.h>
#include <sys/types.h>

#include <functional>
#include <string>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::process {

struct Cloned {
  pid_t pid = 0;  // as this process sees it
  UniqueFd pidfd;
};

// An intermediate process joins the namespace, becomes its root and clones with `args` (and CLONE_PIDFD). The new
// process runs `child`, which must not return, and is a child of the caller (CLONE_PARENT). The caller does not join:
// it would lose its rights.
[[nodiscard]] Result<Cloned> clone_in_user_namespace(const std::string& path, const struct clone_args& args,
                                                     const std::function<void()>& child);

}  // namespace mete::runtime::process
