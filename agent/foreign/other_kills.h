// SPDX-License-Identifier: Apache-2.0
// OOM kills in cgroups that are nobody's of ours and that no policy holds: told and recorded all the same, from what
// the kernel's log says of them and what of the cgroup is still there.
#pragma once

#include "agent/base/kernel_log_watch.h"
#include "agent/enforcement/enforcement.h"

namespace mete::agent {

void tell_kill_of_others(Enforcement& enforcement, const KernelKill& kill);

}  // namespace mete::agent
