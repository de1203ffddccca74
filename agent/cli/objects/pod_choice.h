// SPDX-License-Identifier: Apache-2.0
// Which pod of a workload or a Service a command takes. The choice is kubectl's (pkg/polymorphichelpers, podutils): for
// logs ByLogging, for exec and attach the reverse of ActivePods. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/cli/objects/kinds.h"

namespace mete::agent::cli {

enum class PodUse : std::uint8_t { kLogs, kExec };

// Of pods in the shape of Kubernetes' API. Null: there is none.
[[nodiscard]] const Json* best_pod(const std::vector<Json>& pods, PodUse use);

// spec.selector of an object as text, for selected(): "app=web,tier in (a,b)". Empty: it selects nothing by labels.
[[nodiscard]] std::string pod_selector_of(const Json& object);

}  // namespace mete::agent::cli
