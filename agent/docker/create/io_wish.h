// SPDX-License-Identifier: Apache-2.0
// The bounds on disks that a client asks for: HostConfig.Blkio... Pure.
#pragma once

#include "agent/docker/fields.h"
#include "config/model/io_policy.h"

namespace mete::agent::docker {

// Bounds and the weight in the words of policies. The error has docker's words where docker has them.
[[nodiscard]] Result<config::IoPolicy> io_wish(const Json& host_config);

}  // namespace mete::agent::docker
