// SPDX-License-Identifier: Apache-2.0
// Connections from this machine to a port of a pod whose network is its own (`mete port-forward`).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::network {

// A socket connected to 127.0.0.1:PORT, or [::1]:PORT, as the process sees it. Only the calling thread visits that
// network, for the moment in which the socket is made. The error's code is ECONNREFUSED where nobody listens.
[[nodiscard]] Result<UniqueFd> connect_inside(const process::ProcessId& process, std::uint16_t port);

// Copies in both directions until both have ended; an end of one direction is passed on. Blocks the calling thread.
void relay_streams(const UniqueFd& a, const UniqueFd& b);

}  // namespace mete::runtime::network
