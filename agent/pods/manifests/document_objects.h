// SPDX-License-Identifier: Apache-2.0
// The objects of read documents that `mete apply` keeps, whatever their kind: a new kind is a line here, and then it is
// stored, found again by its labels, and pruned.
#pragma once

#include <string>

#include "config/model/documents.h"

namespace mete::agent {

// Calls `see` with the kind ("Service") and the metadata of each.
template <class See>
void for_each_object(const config::Documents& documents, See&& see) {
  const auto all = [&](const char* kind, const auto& objects) {
    for (const auto& each : objects) see(std::string(kind), each.metadata);
  };
  all("Pod", documents.pods);
  all("Policy", documents.policies);
  all("ConfigMap", documents.config_maps);
  all("Secret", documents.secrets);
  all("Service", documents.services);
  all("NetworkPolicy", documents.traffic_policies);
  all("RuntimeClass", documents.runtime_classes);
  all("ClusterTrustBundle", documents.trust_bundles);
  for (const auto& each : documents.workloads) see(std::string(config::to_string(each.kind())), each.metadata);
}

}  // namespace mete::agent
