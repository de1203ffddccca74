// SPDX-License-Identifier: Apache-2.0
// The plan of the container that a shim starts, as the agent has written it (attempt_files.h, process/wire.h).
#pragma once

#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/plan/plan.h"
#include "runtime/shim/attempt_files.h"

namespace mete::runtime::shim {

struct ShimPlan {
  process::Plan plan;
  std::vector<UniqueFd> joined;  // namespaces that the agent has passed on: needed until the launch, and no longer
};

// A namespace that the plan joins may be a descriptor of the shim's own (/proc/self/fd/N). The child, which closes what
// it inherits before it joins, finds it by the shim's pid.
[[nodiscard]] Result<ShimPlan> read_shim_plan(const AttemptFiles& files);

}  // namespace mete::runtime::shim
