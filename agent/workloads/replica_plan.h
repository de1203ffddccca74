// SPDX-License-Identifier: Apache-2.0
// What a ReplicaSet does next. Pure. The order in which surplus pods go is Kubernetes'
// (pkg/controller/controller_utils.go, ActivePodsWithRanks).
#pragma once

#include <string>
#include <vector>

#include "agent/workloads/child.h"

namespace mete::agent {

struct ReplicaPlan {
  int create = 0;
  std::vector<std::string> remove;  // names
};

[[nodiscard]] ReplicaPlan plan_replicas(int wanted, const std::vector<Child>& children);

// Names of `surplus` active children, the most dispensable first.
[[nodiscard]] std::vector<std::string> dispensable(const std::vector<Child>& children, int surplus);

}  // namespace mete::agent
