// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// Denies all devices but those of every container (null, zero, full, random, urandom, tty, ptmx, pts; mknod of any).
// v1 devices.deny, devices.allow. On v2, where that takes a BPF program, nothing is done: there containers are kept
// from devices by a root mounted nodev and by having no CAP_MKNOD.
[[nodiscard]] Status restrict_devices(const Group& group);

}  // namespace mete::runtime::cgroup
