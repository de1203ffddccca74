// SPDX-License-Identifier: Apache-2.0
// OOM kills in cgroups that mete does not own and that no policy covers. They are reported and recorded too, from the
// kernel's log and from what is left of the cgroup.
#pragma once

#include "agent/base/kernel_log_watch.h"
#include "agent/enforcement/enforcement.h"

namespace mete::agent {

void report_kill_of_others(Enforcement& enforcement, const KernelKill& kill);

}  // namespace mete::agent
