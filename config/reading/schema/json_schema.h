// SPDX-License-Identifier: Apache-2.0
// JSON Schemas (draft 7, which editors support) of the manifests and of agent.yaml, made from the tables of the reader.
// config/schema/*.schema.json hold the same text; a test compares them.
#pragma once

#include <string>

namespace mete::config {

[[nodiscard]] std::string pod_schema();
[[nodiscard]] std::string service_schema();   // Service and NetworkPolicy
[[nodiscard]] std::string workload_schema();  // Deployment, StatefulSet, Job, ...: all kinds that make Pods
[[nodiscard]] std::string policy_schema();
[[nodiscard]] std::string agent_schema();

}  // namespace mete::config
