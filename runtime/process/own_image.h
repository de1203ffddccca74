// SPDX-License-Identifier: Apache-2.0
// Keeps this program's file out of a container's reach (CVE-2019-5736). The child between clone and exec, and any
// process of the container that executes /proc/self/exe at that time, has this file as its executable. A container that
// opened the file for writing through /proc could replace the host's runtime.
#pragma once

#include "config/base/result.h"

namespace mete::runtime::process {

// Executes this program again, with the same arguments and environment, from a read-only mount of its file that is in
// no namespace (Linux 5.12), or, where the kernel refuses that, from a sealed copy in memory. Returns at once when the
// program already runs from either, or from a read-only mount of the machine.
[[nodiscard]] Status protect_own_image();

}  // namespace mete::runtime::process
