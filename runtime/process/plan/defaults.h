// SPDX-License-Identifier: Apache-2.0
// Defaults that every Linux container gets: runtime-spec's file systems and devices, and the paths that docker and
// podman hide.
#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::process {

// /proc, /dev, /dev/pts, /dev/shm, /dev/mqueue, /sys. A sysfs mount shows one network namespace: a container without a
// network namespace of its own (`own_network` false) gets a read-only bind of the host's /sys instead.
[[nodiscard]] std::vector<MountSpec> default_mounts(bool own_network, std::uint64_t shm_bytes = 64U << 20U);

// null, zero, full, random, urandom, tty.
[[nodiscard]] std::vector<DeviceSpec> default_devices();

[[nodiscard]] std::vector<std::string> default_masked_paths();
[[nodiscard]] std::vector<std::string> default_read_only_paths();

// The hierarchies that a container sees below /sys/fs/cgroup.
struct CgroupView {
  std::vector<std::pair<std::string, std::string>>
      v1;                // directory name, mount options ("cpu,cpuacct", "none,name=systemd")
  bool unified = false;  // cgroup2: beside v1 at /sys/fs/cgroup/unified, alone at /sys/fs/cgroup
};
// All hierarchies of the machine; each directory has the name of its mount point.
[[nodiscard]] CgroupView view_of(const cgroup::Hierarchies& hierarchies);

// Mounts that show /sys/fs/cgroup as seen from the container's own cgroup namespace, read-only.
[[nodiscard]] std::vector<MountSpec> cgroup_mounts(const CgroupView& view);

// Makes binds of the group at `path` out of those mounts; it exists when they are made. In the container's cgroup
// namespace the two look the same ("/" in mountinfo, too: the kernel's cgroup_show_path). But a new mount of a v1
// hierarchy makes a superblock, for which the kernel walks all cgroups and all superblocks of that kind
// (cgroup1_get_tree, sget): beside 1,000 containers that was a third of a start.
void bind_own_group(const cgroup::Hierarchies& hierarchies, const std::string& path, std::vector<MountSpec>& mounts);

}  // namespace mete::runtime::process
