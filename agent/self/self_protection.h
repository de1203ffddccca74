// SPDX-License-Identifier: Apache-2.0
// Who holds others to their limits must go on when the machine is out of memory and out of CPU time.
#pragma once

#include <string>
#include <vector>

namespace mete::agent {

// For the calling thread the highest ordinary priority (nice -20), for its session, if that is its own, the largest
// weight
// (/proc/self/autogroup), for the process the least likelihood of being chosen by
// the kernel's OOM killer (oom_score_adj -999), and its pages stay in memory once they are there (mlockall). Returns
// what the kernel refused, with the reason; lowering oom_score_adj takes CAP_SYS_RESOURCE.
[[nodiscard]] std::vector<std::string> protect_self();

// The ordinary priority again, for the calling thread: for work that can wait.
void ordinary_priority();

}  // namespace mete::agent
