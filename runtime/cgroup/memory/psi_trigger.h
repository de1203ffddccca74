// SPDX-License-Identifier: Apache-2.0
// A PSI trigger: the kernel wakes the caller when tasks stall. Which windows it accepts depends on the caller's rights.
// Kernel: Documentation/accounting/psi.rst.
#pragma once

#include <chrono>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

struct PsiTrigger {
  bool full = false;                   // all tasks stalled; else some
  std::chrono::microseconds stall{};   // within
  std::chrono::microseconds window{};  // 500 ms to 10 s
};

// A descriptor that has an exceptional condition (POLLPRI) at most once a window. EINVAL where the kernel does not take
// the window: without CAP_SYS_RESOURCE it must be a multiple of 2 s, and the wake-up comes with the kernel's own 2 s
// rhythm.
[[nodiscard]] Result<UniqueFd> open_psi_trigger(const std::string& file, const PsiTrigger& trigger);

}  // namespace mete::runtime::cgroup
