// SPDX-License-Identifier: Apache-2.0
// Maps agent.yaml's machine.ioCost to the root cgroup's io.cost.model and io.cost.qos
// (Documentation/admin-guide/cgroup-v2, "IO Interface Files"). Pure.
#pragma once

#include <string>
#include <vector>

#include "config/model/agent_config.h"
#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::enforcers {

// `disk`: "8:0". The model is written first, because io.cost.qos switches the controller on.
[[nodiscard]] std::vector<runtime::cgroup::ControlWrite> io_cost_writes(const config::IoCost& cost,
                                                                        const std::string& disk);

}  // namespace mete::enforcers
