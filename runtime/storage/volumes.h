// SPDX-License-Identifier: Apache-2.0
// The host side of a pod's volumes: made before its first container starts, removed after its last has ended.
#pragma once

#include <map>
#include <string>

#include "config/desired_state.h"
#include "config/downward.h"
#include "config/result.h"

namespace mete::runtime::storage {

struct VolumeDirectories {
  std::string disk;    // this pod's, below the state folder: emptyDir
  std::string memory;  // this pod's, below the run folder: tmpfs for emptyDir medium Memory, and files the agent writes
  std::string claims;  // of the pod's namespace, below the state folder: persistentVolumeClaims, which outlive the pod
};

// Makes missing volumes and returns volume name -> host path. Idempotent: files that the agent writes are rewritten,
// emptyDirs and claims keep their content. `machine` gives downwardAPI files their values. Errors name the volume: a
// hostPath of another type, a file where a directory must be.
[[nodiscard]] Result<std::map<std::string, std::string>> prepare_volumes(const config::PodPlan& plan,
                                                                         const VolumeDirectories& directories,
                                                                         const config::MachineFacts& machine);

// Unmounts every tmpfs below `memory` and removes both directories with their content. Missing directories are not an
// error. Needs no manifest, so it also cleans up after a crash.
[[nodiscard]] Status remove_volumes(const VolumeDirectories& directories);
// The part of it below the run folder.
[[nodiscard]] Status remove_memory_volumes(const std::string& memory);

}  // namespace mete::runtime::storage
