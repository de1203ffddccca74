// SPDX-License-Identifier: Apache-2.0
// linux.netDevices: moves interfaces of the caller's network namespace into the container's (rtnetlink(7)).
#pragma once

#include <sys/types.h>

#include <vector>

#include "config/base/result.h"
#include "runtime/oci/config/config.h"

namespace mete::runtime::oci {

// Each interface gets its new name, keeps its permanent addresses of global scope and is brought up. When the container
// ends, the kernel returns physical interfaces to the initial namespace. The error names the interface.
[[nodiscard]] Status move_net_devices(const std::vector<NetDevice>& devices, pid_t container);

}  // namespace mete::runtime::oci
