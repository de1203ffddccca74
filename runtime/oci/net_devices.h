// SPDX-License-Identifier: Apache-2.0
// linux.netDevices: interfaces of our network namespace moved into the container's (rtnetlink(7)).
#pragma once

#include <sys/types.h>

#include <vector>

#include "config/result.h"
#include "runtime/oci/config.h"

namespace mete::runtime::oci {

// Each gets its name there, keeps its permanent addresses of global scope, and is brought up. The container's end gives
// them back to the kernel, which returns physical ones to the initial namespace. The error names the interface.
[[nodiscard]] Status move_net_devices(const std::vector<NetDevice>& devices, pid_t container);

}  // namespace mete::runtime::oci
