// SPDX-License-Identifier: Apache-2.0
// Which disk a path lies on: IO is limited by whole disk, never by partition or file system.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// Number ("8:0") of the disk under `path`: the disk of its file system, or of `path` itself when it is a block device.
// A partition belongs to its disk. Error: no such path, or no single disk under it (tmpfs, overlay, a file system on
// several disks).
[[nodiscard]] Result<std::string> disk_of(const std::string& path);

// Disks for which this group has limits, no matter which program set them.
[[nodiscard]] std::vector<std::string> limited_disks(const Group& group);

// Disks for which this group has a latency target (v2, io.latency).
[[nodiscard]] std::vector<std::string> disks_with_latency(const Group& group);

// Pure: the source ("/dev/vda1") of the mount with this id of /proc/self/mountinfo; empty: there is none.
[[nodiscard]] std::string source_of_mount(std::string_view mountinfo, std::string_view device);

}  // namespace mete::runtime::cgroup
