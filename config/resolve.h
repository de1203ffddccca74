// SPDX-License-Identifier: Apache-2.0
// Resolves the references of one Pod to plain values. Internal to config/.
#pragma once

#include <string>
#include <vector>

#include "config/desired_state.h"

namespace mete::config {

// Fills `plan`, except `policy`, from plan.pod. Appends missing references to `errors`.
void resolve(PodPlan& plan, const Surroundings& data, std::vector<Diagnostic>& errors);

}  // namespace mete::config
