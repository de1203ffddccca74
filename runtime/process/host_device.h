// SPDX-License-Identifier: Apache-2.0
// A device of the machine that a container is to have, too.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::process {

// As the node at `path` is, with its owner and mode; links are followed. The error: nothing there, or no device.
[[nodiscard]] Result<DeviceSpec> host_device(const std::string& path);

}  // namespace mete::runtime::process
