// SPDX-License-Identifier: Apache-2.0
// The volumes of a pod that are mounted from elsewhere, one after the other, before anything else is made.
#include <algorithm>

#include "agent/pods/pod.h"
#include "agent/pods/volume_mounts.h"

namespace mete::agent {

bool Pod::ensure_mounts(const std::vector<std::size_t>& waiting) {
  const auto& volumes = plan_->pod.spec.volumes;
  const auto missing = std::find_if(volumes.begin(), volumes.end(), [this](const config::Volume& each) {
    return VolumeMounts::is_mounted_from_elsewhere(each.source) && !mounted_.contains(each.name);
  });
  if (missing == volumes.end()) return true;
  if (mounting_) return false;
  mounting_ = true;
  const auto outcome = std::make_shared<tl::expected<std::string, VolumeMounts::Failure>>();
  auto take = alive_.guard([this, outcome, waiting, name = missing->name] {
    mounting_ = false;
    if (!*outcome) {
      const auto& failure = outcome->error();
      for (const auto index : waiting) {
        if (record_.containers[index].state != ContainerState::kWaiting || is_ending()) continue;
        containers_[index]->attempt().wait_for(
            {Reason::kFailedMount, "ContainerCreating", failure.message, failure.again});
      }
      return;
    }
    mounted_[name] = **outcome;
    step();
  });
  mounts_.mount(paths(), *missing, [outcome, take = std::move(take)](const auto& value) mutable {
    *outcome = value;
    take();
  });
  return false;
}

}  // namespace mete::agent
