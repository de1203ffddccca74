// SPDX-License-Identifier: Apache-2.0
// Which process of a container dies for the others: the one the kernel would take. Pure.
#pragma once

#include <optional>
#include <span>

#include "collectors/kernel/process_memory.h"

namespace mete::enforcers {

// An index; empty: there is none that may be killed. The kernel's measure (mm/oom_kill.c oom_badness): resident memory,
// swap and page tables, plus oom_score_adj thousandths of `total`, the memory that it competes for; never one with
// -1000.
[[nodiscard]] std::optional<std::size_t> oom_victim(std::span<const collectors::ProcessMemory> processes, Bytes total);

// Has it so much memory of its own that its end is a help? At least a fiftieth of the limit. Who had grown may have
// ended by itself since the kernel's notice, and then nobody else is to die in its place.
[[nodiscard]] bool worth_killing(const collectors::ProcessMemory& process, Bytes limit);

}  // namespace mete::enforcers
