// SPDX-License-Identifier: Apache-2.0
// Chooses the process of a container that is killed for the others: the kernel's choice. Pure.
#pragma once

#include <optional>
#include <span>

#include "collectors/kernel/process_memory.h"

namespace mete::enforcers {

// The victim's index; empty: no process may be killed. The kernel's measure (mm/oom_kill.c oom_badness): resident
// memory, swap and page tables, plus oom_score_adj thousandths of `total`, the memory the processes compete for. A
// process with oom_score_adj -1000 is never the victim.
[[nodiscard]] std::optional<std::size_t> oom_victim(std::span<const collectors::ProcessMemory> processes, Bytes total);

// True: the process holds at least a fiftieth of the limit, so that killing it helps. The process that had grown may
// have exited since the kernel's notice; then no other process must be killed in its place.
[[nodiscard]] bool worth_killing(const collectors::ProcessMemory& process, Bytes limit);

}  // namespace mete::enforcers
