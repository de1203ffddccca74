// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/status/waiting_reason.h"

#include <algorithm>

namespace mete::agent {

std::string waiting_reason(const PodRecord& pod, const ContainerRecord& container) {
  constexpr const char* creating = "ContainerCreating";
  if (!pod.hold->reason.empty() && !pod.is_unscheduled()) return kBlocked;
  if (container.state == ContainerState::kWaiting) {
    std::string known = shown_reason(container);
    if (!known.empty() && known != creating) return known;
  }
  const bool initializes =
      std::any_of(pod.containers.begin(), pod.containers.end(), [](const ContainerRecord& each) { return each.init; });
  return initializes ? "PodInitializing" : creating;
}

}  // namespace mete::agent
