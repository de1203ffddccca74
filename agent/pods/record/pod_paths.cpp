// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/record/pod_paths.h"

namespace mete::agent {

std::string PodPaths::attempt(const std::string& container_name, std::uint32_t number) const {
  return container(container_name) + "/" + std::to_string(number);
}

runtime::storage::VolumeDirectories PodPaths::volumes() const {
  return {directory() + "/volumes", run_directory() + "/volumes", settings_->claims() + "/" + pod_.namespace_};
}

}  // namespace mete::agent
