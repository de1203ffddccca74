// SPDX-License-Identifier: Apache-2.0
// Cloning into a user namespace that exists, so that the namespaces that are made with the clone belong to it.
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

// An intermediate process joins the namespace, becomes its root and clones by `args` (with CLONE_PIDFD); the new
// process, which runs `child` and does not return from it, is a child of ours all the same (CLONE_PARENT). We ourselves
// stay where we are: joining would cost us our rights.
[[nodiscard]] Result<Cloned> clone_in_user_namespace(const std::string& path, const struct clone_args& args,
                                                     const std::function<void()>& child);

}  // namespace mete::runtime::process
