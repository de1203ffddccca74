// SPDX-License-Identifier: Apache-2.0
// agent.yaml's machine.ioCost as what the root cgroup's io.cost.model and io.cost.qos are told
// (Documentation/admin-guide/cgroup-v2, "IO Interface Files"). Pure.
#pragma once

#include <string>
#include <vector>

#include "config/agent_config.h"
#include "runtime/cgroup/limit_writes.h"

namespace mete::enforcers {

// `disk`: "8:0". The model first: it is to be in force when the other begins.
[[nodiscard]] std::vector<runtime::cgroup::ControlWrite> io_cost_writes(const config::IoCost& cost,
                                                                        const std::string& disk);

}  // namespace mete::enforcers
