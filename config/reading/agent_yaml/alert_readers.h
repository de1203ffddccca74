// SPDX-License-Identifier: Apache-2.0
// `alerts` of agent.yaml. Internal to config/.
#pragma once

#include "config/model/agent_config.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kAlertsSpec;

// Reports addresses that are none, waits without sense and passwords without a name at their places. Names of alerts
// are not checked here: their table is the agent's.
[[nodiscard]] AlertPolicy read_alerts(const View& view);

}  // namespace mete::config
