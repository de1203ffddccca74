// SPDX-License-Identifier: Apache-2.0
// Signals to processes that were chosen a moment ago: by a descriptor that cannot come to mean another process.
#pragma once

#include <sys/types.h>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/process/process_id.h"

namespace mete::enforcers {

[[nodiscard]] Status signal_process(const runtime::process::ProcessId& process, int number);
// SIGKILL to one process of the group. Success also when the process is gone, or is in another group by now.
[[nodiscard]] Status kill_process(pid_t pid, const runtime::cgroup::Group& group);

}  // namespace mete::enforcers
