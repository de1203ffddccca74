// SPDX-License-Identifier: Apache-2.0
// The default seccomp filter: what docker and podman deny, denied; everything else the kernel offers a program,
// allowed.
#pragma once

#include <cstdint>
#include <string>

#include "config/result.h"

namespace mete::runtime::process {

// Compiled BPF for Identity::seccomp_filter. A capability in `capabilities` (a bit mask) opens the calls that belong to
// it. Denied calls fail with EPERM; calls that this build does not know with ENOSYS, so that programs fall back.
// Takes about 10 ms: compile once for a mask and keep it.
[[nodiscard]] Result<std::string> default_seccomp_filter(std::uint64_t capabilities);

}  // namespace mete::runtime::process
