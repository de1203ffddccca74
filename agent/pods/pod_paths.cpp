// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/pod_paths.h"

namespace mete::agent {

PodPaths::PodPaths(const Settings& settings, const Name& pod)
    : directory_(settings.pods() + "/" + pod.uid),
      run_directory_(settings.run_pods() + "/" + pod.uid),
      claims_(settings.claims() + "/" + pod.namespace_),
      logs_(settings.logs() + "/" + pod.namespace_ + "_" + pod.name),
      cgroup_(settings.cgroup_parent + "/" + pod.namespace_ + "_" + pod.name) {}

std::string PodPaths::attempt(const std::string& container_name, std::uint32_t number) const {
  return container(container_name) + "/" + std::to_string(number);
}

runtime::storage::VolumeDirectories PodPaths::volumes() const {
  return {directory_ + "/volumes", run_directory_ + "/volumes", claims_};
}

}  // namespace mete::agent
