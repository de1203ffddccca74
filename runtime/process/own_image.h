// SPDX-License-Identifier: Apache-2.0
// Keeping this program's file out of a container's reach (CVE-2019-5736). What runs between clone and exec in a
// container, and whoever executes /proc/self/exe there, has this file as its executable: opened for writing through
// /proc it would let the container replace the host's runtime.
#pragma once

#include "config/result.h"

namespace mete::runtime::process {

// Executes this program again, with the same arguments and environment, from a read-only mount of its file that is in
// no namespace (Linux 5.12), or where that is not allowed from a sealed copy in memory. Returns at once when it runs
// from such a one already, or lies on a read-only mount.
[[nodiscard]] Status protect_own_image();

}  // namespace mete::runtime::process
