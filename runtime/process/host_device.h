// SPDX-License-Identifier: Apache-2.0
// A device of the machine that a container gets, too.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::process {

// Describes the device node at `path`: type, number, owner and mode. Symbolic links are followed. Error: `path` does
// not exist or is no device.
[[nodiscard]] Result<DeviceSpec> host_device(const std::string& path);

// All device nodes below a directory such as /dev, for a privileged container. Left out is what a container has of its
// own in /dev: terminals (pts, ptmx, console), shm, mqueue, fd. What vanishes meanwhile is left out, too; links are not
// followed. Sorted by path.
[[nodiscard]] Result<std::vector<DeviceSpec>> host_devices(const std::string& directory);

// For a container that asks for them: the device at `path`, or all in the directory `path` and below it, as nodes at
// `inside`. The error has docker's words.
[[nodiscard]] Result<std::vector<DeviceSpec>> asked_devices(const std::string& path, const std::string& inside);

}  // namespace mete::runtime::process
