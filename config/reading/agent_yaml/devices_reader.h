// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on devices of the machine. Internal to config/.
#pragma once

#include "config/model/agent_config.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kMachineDevicesSpec;
[[nodiscard]] MachineDevices read_machine_devices(const View& view);

}  // namespace mete::config
