// SPDX-License-Identifier: Apache-2.0
// --console-socket: a Unix socket at which the client waits for the container's terminal (runtime specification, config.md;
// runc, docs/terminals.md).
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::oci {

// Before anything is made: nobody there is an error that names the socket.
[[nodiscard]] Result<UniqueFd> connect_console(const std::string& path);

// One message with the descriptor of the terminal's master side.
[[nodiscard]] Status send_terminal(const UniqueFd& socket, const UniqueFd& terminal);

}  // namespace mete::runtime::oci
