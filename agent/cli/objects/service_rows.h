// SPDX-License-Identifier: Apache-2.0
// kubectl's columns of Services and their endpoints, without NAME and AGE. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

// TYPE, CLUSTER-IP, EXTERNAL-IP, PORT(S)
[[nodiscard]] std::vector<std::string> service_cells(const Json& service);
// ENDPOINTS: those that are ready, the first three of them
[[nodiscard]] std::string endpoints_cell(const Json& endpoints);

}  // namespace mete::agent::cli
