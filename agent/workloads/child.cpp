// SPDX-License-Identifier: Apache-2.0
#include "agent/workloads/child.h"

namespace mete::agent {

bool is_active(const Child& child) {
  return !child.terminating && child.phase != PodPhase::kSucceeded && child.phase != PodPhase::kFailed;
}

bool is_available(const Child& child, std::chrono::seconds min_ready, WallTime now) {
  return child.ready && !child.terminating && child.ready_since + min_ready <= now;
}

void look_at(std::optional<WallTime>& look_again, WallTime at) {
  if (!look_again || at < *look_again) look_again = at;
}

PodCounts count(const std::vector<Child>& children, std::chrono::seconds min_ready, WallTime now,
                std::optional<WallTime>& look_again) {
  PodCounts counts;
  for (const auto& child : children) {
    if (child.terminating) ++counts.terminating;
    if (!is_active(child)) continue;
    ++counts.replicas;
    if (!child.ready) continue;
    ++counts.ready;
    if (is_available(child, min_ready, now)) {
      ++counts.available;
    } else {
      look_at(look_again, child.ready_since + min_ready);
    }
  }
  return counts;
}

}  // namespace mete::agent
