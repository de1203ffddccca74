// SPDX-License-Identifier: Apache-2.0
// The devices that a client asks for. Pure.
#pragma once

#include <vector>

#include "agent/docker/fields.h"
#include "config/model/container_extras.h"

namespace mete::agent::docker {

// HostConfig.Devices. The error: a place outside of /dev, or rights that are none.
[[nodiscard]] Result<std::vector<config::DeviceWish>> device_wishes(const Json& host_config);

// HostConfig.DeviceRequests of the driver "cdi": names of devices of the Container Device Interface. The error: a
// request of another driver, which docker words as a request that no driver can handle.
[[nodiscard]] Result<std::vector<std::string>> cdi_wishes(const Json& host_config);

// HostConfig.DeviceCgroupRules: "c 1:3 rwm", "b 8:* r". The error has docker's words.
[[nodiscard]] Result<std::vector<config::DeviceRange>> device_ranges(const Json& host_config);

}  // namespace mete::agent::docker
