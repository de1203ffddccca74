// SPDX-License-Identifier: Apache-2.0
// Which disk a path lies on: IO is limited by whole disk, never by partition or file system.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

// "8:0" of the disk that holds the file system of `path`, or that `path` itself is, when it is a block device. A
// partition is of its disk. The error: there is no such path, or no single disk under it (tmpfs, overlay, a file system
// of several).
[[nodiscard]] Result<std::string> disk_of(const std::string& path);

// Those that this group has limits for, whoever set them.
[[nodiscard]] std::vector<std::string> limited_disks(const Group& group);

// Those that this group has a target of latency for (v2, io.latency).
[[nodiscard]] std::vector<std::string> disks_with_latency(const Group& group);

// Pure: the source ("/dev/vda1") of the mount with this id of /proc/self/mountinfo; empty: there is none.
[[nodiscard]] std::string source_of_mount(std::string_view mountinfo, std::string_view device);

}  // namespace mete::runtime::cgroup
