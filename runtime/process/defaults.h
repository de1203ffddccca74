// SPDX-License-Identifier: Apache-2.0
// What every Linux container has: runtime-spec's default file systems and devices, and the paths docker and podman
// hide.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::process {

// /proc, /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys. `own_network`: sysfs shows a network namespace, so a container
// in the host's is given a read-only bind of the host's instead.
[[nodiscard]] std::vector<MountSpec> default_mounts(bool own_network, std::uint64_t shm_bytes = 64U << 20U);

// null, zero, full, random, urandom, tty.
[[nodiscard]] std::vector<DeviceSpec> default_devices();

[[nodiscard]] std::vector<std::string> default_masked_paths();
[[nodiscard]] std::vector<std::string> default_read_only_paths();

// The hierarchies that a container is to see below /sys/fs/cgroup.
struct CgroupView {
  std::vector<std::pair<std::string, std::string>>
      v1;                // directory name, mount options ("cpu,cpuacct", "none,name=systemd")
  bool unified = false;  // with v1: as /sys/fs/cgroup/unified; alone: /sys/fs/cgroup
};
// All of the machine's, in directories named as its mount points are.
[[nodiscard]] CgroupView view_of(const cgroup::Hierarchies& hierarchies);

// /sys/fs/cgroup as the container's own cgroup namespace shows it, read-only.
[[nodiscard]] std::vector<MountSpec> cgroup_mounts(const CgroupView& view);

}  // namespace mete::runtime::process
