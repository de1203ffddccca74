// SPDX-License-Identifier: Apache-2.0
// Clones a process through an intermediate process, which first joins namespaces: those that the clone makes then
// belong to the joined user namespace, and the clone is in the joined PID namespace. The caller joins nothing: it would
// lose its rights.
#pragma once

#include <linux/sched.h>
#include <sys/types.h>

#include <functional>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/namespace_files.h"

namespace mete::runtime::process {

struct Cloned {
  pid_t pid = 0;  // as this process sees it
  UniqueFd pidfd;
};

// The intermediate process runs `prepare` and clones with `args` (and CLONE_PIDFD). The new process runs `child`, which
// must not return, and is a child of the caller (CLONE_PARENT). Both functions may not allocate. A failure of `prepare`
// is the error.
[[nodiscard]] Result<Cloned> clone_through_intermediate(const struct clone_args& args,
                                                        const std::function<JoinFailure()>& prepare,
                                                        const std::function<void()>& child);

// The namespaces that an intermediate process joins for `plan`. Empty: none is needed. With a user namespace these are
// all that have a path: the clone may lack the right to join those that the host owns. `with_pid`: the caller has not
// the right to join the PID namespace before it has joined the user namespace (a caller without root's rights).
[[nodiscard]] std::vector<NamespaceUse> joined_by_intermediate(const Plan& plan, bool with_pid);
// The work of the intermediate process: joins those of `joins` that it has the right to (`joined` gets them). If a user
// namespace is among them, it becomes that namespace's root and makes the time namespace.
[[nodiscard]] JoinFailure prepare_namespaces(const Plan& plan, const std::vector<NamespaceUse>& joins, KindSet& joined);

// Makes a time namespace for the caller's children and sets its clocks.
[[nodiscard]] JoinFailure make_time_namespace(const std::string& offsets);

}  // namespace mete::runtime::process
