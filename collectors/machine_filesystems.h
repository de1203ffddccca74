// SPDX-License-Identifier: Apache-2.0
// The file systems of the machine's own disks, which cAdvisor shows at the root cgroup.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collectors/reading.h"

namespace mete::collectors {

struct MountedDisk {
  std::string device;  // "/dev/vda1"
  std::string point;   // one of the places where it is mounted
  bool operator==(const MountedDisk&) const = default;
};

// Of the text of /proc/self/mountinfo: each block device once, in the order of the mounts. Left out are loop devices,
// which take their space from another file system of the list, and types that are never written (squashfs, erofs,
// iso9660). Pure.
[[nodiscard]] std::vector<MountedDisk> mounted_disks(std::string_view mountinfo);

// Of this process's mount namespace (statvfs(3)). A disk that cannot be asked is left out. File systems of other
// machines are not asked, since such a question may never end.
[[nodiscard]] std::vector<FilesystemUsage> read_machine_filesystems();

}  // namespace mete::collectors
