// SPDX-License-Identifier: Apache-2.0
// The section `network` of agent.yaml.
#pragma once

#include "config/agent_config.h"
#include "config/reading/shape.h"
#include "config/reading/view.h"

namespace mete::config {

extern const ObjectSpec kNetworkSpec;

// What it says; errors are reported to `view`.
[[nodiscard]] NetworkPolicy read_network(const View& view);

}  // namespace mete::config
