// SPDX-License-Identifier: Apache-2.0
// JSON Schemas (draft 7, which editors know) of the manifests and of agent.yaml, made from the tables that the reader
// uses. The same text is in config/schema/*.schema.json; a test compares them.
#pragma once

#include <string>

namespace mete::config {

[[nodiscard]] std::string pod_schema();
[[nodiscard]] std::string policy_schema();
[[nodiscard]] std::string agent_schema();

}  // namespace mete::config
