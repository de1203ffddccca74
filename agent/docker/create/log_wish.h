// SPDX-License-Identifier: Apache-2.0
// How a client wants a container's output to be kept: HostConfig.LogConfig. Pure.
#pragma once

#include "agent/docker/fields.h"
#include "config/model/container_extras.h"

namespace mete::agent::docker {

// json-file, local and none. One log is written for all of them, in the format of the CRI; the drivers differ in what
// is kept. The error: another driver, or an option that nothing would come of.
[[nodiscard]] Result<config::LogWish> log_wish(const Json& host_config);

}  // namespace mete::agent::docker
