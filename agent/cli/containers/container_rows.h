// SPDX-License-Identifier: Apache-2.0
// Containers as docker's `ps` shows them: from a row of GET /containers/json, or from a pod of the agent. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/output/row_format.h"
#include "runtime/json.h"

namespace mete::agent::cli {

struct ContainerRowStyle {
  bool whole_ids = false;  // --no-trunc
  bool sizes = false;      // -s
};

// The fields that --format knows. `row`: of docker's API.
[[nodiscard]] nlohmann::ordered_json docker_row(const nlohmann::ordered_json& row, const ContainerRowStyle& style);
// One for each container of the pod that is no init container; its id is "NAMESPACE/POD".
[[nodiscard]] std::vector<nlohmann::ordered_json> pod_rows(const nlohmann::ordered_json& pod,
                                                           const ContainerRowStyle& style);
[[nodiscard]] std::vector<Column> container_columns(const ContainerRowStyle& style);

// "0.0.0.0:8080->80/tcp, 81/udp"
[[nodiscard]] std::string ports_text(const nlohmann::ordered_json& ports);

}  // namespace mete::agent::cli
