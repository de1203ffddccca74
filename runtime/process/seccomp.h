// SPDX-License-Identifier: Apache-2.0
// The default seccomp filter. It denies what docker and podman deny and allows every other call of the kernel.
#pragma once

#include <cstdint>
#include <string>

#include "config/base/result.h"
#include "runtime/oci/config/seccomp_profile.h"

namespace mete::runtime::process {

// Compiled BPF for Identity::seccomp_filter. Each capability in `capabilities` (a bit mask) allows the calls that
// belong to it. Denied calls fail with EPERM. Calls that this build does not know, and calls of another architecture,
// fail with ENOSYS, so that programs fall back. Compiling takes about half a millisecond: compile once per mask and
// keep the result.
[[nodiscard]] Result<std::string> default_seccomp_filter(std::uint64_t capabilities);

// The same filter as a profile, for another runtime, which compiles it. It has the machine's own architecture and, on
// x86_64, x86. Its rules are in the order in which the compiler takes them.
[[nodiscard]] oci::SeccompProfile default_seccomp_profile(std::uint64_t capabilities);

}  // namespace mete::runtime::process
