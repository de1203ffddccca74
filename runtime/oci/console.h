// SPDX-License-Identifier: Apache-2.0
// Unix sockets at which somebody waits for a descriptor of ours: the client for the container's terminal
// (--console-socket; runc, docs/terminals.md), a seccomp agent for its listener (config-linux.md, listenerPath).
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/fd.h"

namespace mete::runtime::oci {

// Before anything is made: nobody there is an error that names the socket, and `what` it is.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path, const std::string& what);

// One message with the descriptor of the terminal's master side.
[[nodiscard]] Status send_terminal(const UniqueFd& socket, const UniqueFd& terminal);

// One message of `state` with the listener, over a connection of its own.
[[nodiscard]] Status send_listener(const std::string& path, const std::string& state, const UniqueFd& listener);

}  // namespace mete::runtime::oci
