// SPDX-License-Identifier: Apache-2.0
// Getting memory back from a cgroup without killing anybody.
#pragma once

#include <atomic>

#include "config/base/result.h"
#include "config/base/units.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/memory/memory.h"

namespace mete::runtime::cgroup {

// Lets the kernel reclaim `amount` at once (v2, kernel 5.19); the caller waits, for milliseconds as a rule. There is no
// result: only the usage shows afterwards how much was reclaimed, nothing where the kernel cannot.
void ask_to_reclaim(const Group& group, Bytes amount);

// Reclaims until usage is at most `target` or nothing more can be reclaimed; returns the usage then. Waits for the
// kernel, up to seconds, so the caller must be a thread with nothing else to do. `stop` ends it at the next piece.
//   v2: memory.reclaim (kernel 5.19).
//   v1: memory.force_empty, which knows no amount and would throw out all page cache: it is interrupted every 2 ms by a
//   timer of this thread (SIGRTMIN + 7, which the process must not use for anything else) to see whether it is enough.
//   Nothing has to be restored after a crash. Rejected: lowering the limit for a moment, which could kill.
[[nodiscard]] Result<Bytes> reclaim(const Group& group, Bytes target, const std::atomic<bool>& stop);

}  // namespace mete::runtime::cgroup
