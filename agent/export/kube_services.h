// SPDX-License-Identifier: Apache-2.0
// The kube_* families of Services, their Endpoints and NetworkPolicies, under the names of kube-state-metrics. One
// table: what of an object each family shows.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/export/kube_metrics.h"
#include "runtime/json.h"

namespace mete::agent {

[[nodiscard]] std::span<const KubeFamily> kube_service_families();

// Pure. `objects` as Kubernetes' API gives them: service_json(), endpoints_json() and manifests of NetworkPolicies.
// Appends all families to `out`.
void write_kube_services(std::string& out, const std::vector<nlohmann::ordered_json>& objects,
                         collectors::Format format);

}  // namespace mete::agent
