// SPDX-License-Identifier: Apache-2.0
// A Deployment whose number of pods changes while it has several ReplicaSets: each gets its share, so that a rollout
// that has stopped halfway serves with both. Pure. Kubernetes' rules (deployment_util.go, GetProportion).
#pragma once

#include <vector>

#include "agent/workloads/deployment_plan.h"

namespace mete::agent {

// A set with pods was sized for another number of pods of the Deployment.
[[nodiscard]] bool is_resized(const std::vector<SetFacts>& sets, int replicas);
void scale_sets(std::vector<SetFacts>& sets, int replicas, const Bounds& bounds);
// What the set's size was said for.
void note_size(SetFacts& set, int replicas, const Bounds& bounds);

}  // namespace mete::agent
