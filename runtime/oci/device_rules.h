// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/oci/config.h"

namespace mete::runtime::oci {

// The rules in their order, then what every container may use (null, zero, full, random, urandom, tty, ptmx, pts; mknod
// of any), as runc has it. Without rules: that alone. On v2, where it takes a BPF program, nothing is done: there
// containers are kept from devices by having no CAP_MKNOD.
[[nodiscard]] Status apply_device_rules(const cgroup::Group& group, const std::vector<DeviceRule>& rules);

}  // namespace mete::runtime::oci
