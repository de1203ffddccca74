// SPDX-License-Identifier: Apache-2.0
// The host side of a pod's volumes: made before its first container starts, removed after its last has ended.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/resolve/desired_state.h"
#include "config/resolve/downward.h"

namespace mete::runtime::storage {

struct VolumeDirectories {
  std::string disk;    // this pod's, below the state folder: emptyDir
  std::string memory;  // this pod's, below the run folder: tmpfs for emptyDir medium Memory, and files the agent writes
  std::string claims;  // of the pod's namespace, below the state folder: persistentVolumeClaims, which outlive the pod
};

// What volumes are made of besides the plan.
struct VolumeSources {
  config::MachineFacts machine;  // for downwardAPI files, and the size of volumes in memory
  // The layers of the image of this name, as absolute paths, topmost first. The error: the store has no such image.
  std::function<Result<std::vector<std::string>>(const std::string&)> layers;
  // Volume name -> directory, of what is mounted from elsewhere already (nfs_mount.h, disk_mounts.h).
  std::map<std::string, std::string> mounted = {};
};

// Makes missing volumes and returns volume name -> host path. Idempotent: files that the agent writes are exchanged
// where they differ, all others keep their content. Errors name the volume: a hostPath of another type, a file where a
// directory must be, a ConfigMap that does not exist.
[[nodiscard]] Result<std::map<std::string, std::string>> prepare_volumes(const config::PodPlan& plan,
                                                                         const VolumeDirectories& directories,
                                                                         const VolumeSources& sources);

// The volumes whose files were exchanged for those of `plan`. Volumes that are not made yet, and such whose source does
// not exist any more, are left as they are.
[[nodiscard]] Result<std::vector<std::string>> update_files(const config::PodPlan& plan,
                                                            const VolumeDirectories& directories,
                                                            const config::MachineFacts& machine);

// The size of a tmpfs for an emptyDir in memory: its sizeLimit, and never more than the containers of the pod may use
// together, or than the machine has (kubelet, pkg/volume/emptydir, calculateEmptyDirMemorySize). Pure.
[[nodiscard]] Bytes memory_volume_size(const config::PodSpec& spec, const config::EmptyDirVolume& volume,
                                       Bytes machine_memory);

// Unmounts every tmpfs below `memory` and removes both directories with their content. Missing directories are not an
// error. Needs no manifest, so it also cleans up after a crash.
[[nodiscard]] Status remove_volumes(const VolumeDirectories& directories);
// The part of it below the run folder.
[[nodiscard]] Status remove_memory_volumes(const std::string& memory);

}  // namespace mete::runtime::storage
