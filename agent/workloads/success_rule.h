// SPDX-License-Identifier: Apache-2.0
// When a Job has succeeded by its successPolicy (KEP-3998). Pure.
#pragma once

#include <set>

#include "config/model/workloads.h"

namespace mete::agent {

// The first rule that the completed indexes meet; -1: none.
[[nodiscard]] int met_rule(const config::JobSpec& spec, const std::set<int>& completed);

}  // namespace mete::agent
