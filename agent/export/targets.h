// SPDX-License-Identifier: Apache-2.0
// The agent's containers and pods as values for the collecting thread.
#pragma once

#include <vector>

#include "agent/export/kube_metrics.h"
#include "agent/pods/reconciler.h"
#include "collectors/target.h"

namespace mete::agent {

[[nodiscard]] std::vector<collectors::Target> targets_of(const Reconciler& reconciler);
// The same for the kube_* families.
[[nodiscard]] std::vector<KubePod> kube_pods_of(const Reconciler& reconciler);

}  // namespace mete::agent
