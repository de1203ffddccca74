// SPDX-License-Identifier: Apache-2.0
// The host side of a pod's volumes: made before its first container, removed after its last.
#pragma once

#include <map>
#include <string>

#include "config/desired_state.h"
#include "config/result.h"

namespace mete::runtime::storage {

struct VolumeDirectories {
  std::string disk;    // of this pod, below the state folder: emptyDir
  std::string memory;  // of this pod, below the run folder: tmpfs for emptyDir medium Memory, ConfigMaps and Secrets
};

// Makes what is missing and returns volume name -> host path. Idempotent: files of ConfigMaps and Secrets are written
// anew, emptyDirs keep their content. Errors name the volume: a hostPath that is not of its type, a file in the way.
[[nodiscard]] Result<std::map<std::string, std::string>> prepare_volumes(const config::PodPlan& plan,
                                                                         const VolumeDirectories& directories);

// Unmounts every tmpfs below `memory` and removes both directories with all that is in them. Missing ones are fine.
// Needs no manifest, so it also cleans up after a crash.
[[nodiscard]] Status remove_volumes(const VolumeDirectories& directories);
// The part of it below the run folder.
[[nodiscard]] Status remove_memory_volumes(const std::string& memory);

}  // namespace mete::runtime::storage
