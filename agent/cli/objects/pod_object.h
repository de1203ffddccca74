// SPDX-License-Identifier: Apache-2.0
// A pod in the shape of Kubernetes' API, as `mete get -o json` shows it.
#pragma once

#include "agent/cli/output/output.h"

namespace mete::agent::cli {

// Of the pod with this NAMESPACE/NAME. `value` is null where there is none. Complains where the agent cannot be asked.
[[nodiscard]] Fetched fetch_pod_object(const Common& common, const std::string& key);

}  // namespace mete::agent::cli
