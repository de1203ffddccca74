// SPDX-License-Identifier: Apache-2.0
// The kube_* families of Deployments, ReplicaSets, ReplicationControllers, StatefulSets, DaemonSets, Jobs and CronJobs,
// under the names of kube-state-metrics. One table: where the value of each family stands in the object as Kubernetes'
// API gives it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/export/kube_metrics.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] std::span<const KubeFamily> kube_workload_families();

// Pure. `objects` in the shape of workload_json(). Appends all families to `out`.
void write_kube_workloads(std::string& out, const std::vector<nlohmann::ordered_json>& objects,
                          collectors::Format format);

}  // namespace mete::agent
