// SPDX-License-Identifier: Apache-2.0
// The section `network` of agent.yaml.
#pragma once

#include "config/model/agent_config.h"
#include "config/reading/yaml/shape.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kNetworkSpec;

// What it says; errors are reported to `view`.
[[nodiscard]] NetworkPolicy read_network(const View& view);

}  // namespace mete::config
