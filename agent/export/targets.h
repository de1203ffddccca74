// SPDX-License-Identifier: Apache-2.0
// The agent's containers and pods as values for the collecting thread.
#pragma once

#include <memory>
#include <vector>

#include "agent/export/kube_metrics.h"
#include "agent/pods/reconciler.h"
#include "collectors/target.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] std::vector<collectors::Target> targets_of(const Reconciler& reconciler);
// What the agent itself counts of its containers, as series without samples: enough for the families that are of a
// workload, and without a look at the kernel.
[[nodiscard]] std::shared_ptr<const collectors::Reading> counted_of(const Reconciler& reconciler);
// The same for the kube_* families.
[[nodiscard]] std::vector<KubePod> kube_pods_of(const Reconciler& reconciler);
// The metadata alone of each, as the API server of Kubernetes gives it.
[[nodiscard]] std::vector<nlohmann::ordered_json> kube_pod_names_of(const Reconciler& reconciler);

}  // namespace mete::agent
