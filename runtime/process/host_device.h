// SPDX-License-Identifier: Apache-2.0
// A device of the machine that a container gets, too.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::process {

// Describes the device node at `path`: type, number, owner and mode. Symbolic links are followed. Error: `path` does
// not exist or is no device.
[[nodiscard]] Result<DeviceSpec> host_device(const std::string& path);

}  // namespace mete::runtime::process
