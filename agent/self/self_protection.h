// SPDX-License-Identifier: Apache-2.0
// Keeps the agent running when the machine is out of memory and out of CPU time, so that it can still enforce limits.
#pragma once

#include <string>
#include <vector>

namespace mete::agent {

// For the calling thread: the highest ordinary priority (nice -20). For its session, if it is the agent's own: the
// largest weight (/proc/self/autogroup). For the process: the lowest likelihood of being the kernel's OOM victim
// (oom_score_adj -999), and its pages stay in memory once loaded (mlockall). Returns what the kernel refused, with the
// reason; lowering oom_score_adj takes CAP_SYS_RESOURCE.
[[nodiscard]] std::vector<std::string> protect_self();

// Lets go of the pages of the program's and its libraries' code and constants that are in memory: what is needed again
// comes back page by page, from the file. Locked pages too (Linux 5.18; an older kernel keeps those). For the end of a
// burst, which runs through code that nothing needs for a long time after it. What acts when memory is short stays.
void let_go_of_code();

// Sets the ordinary priority again for the calling thread, whose work can wait.
void ordinary_priority();

}  // namespace mete::agent
