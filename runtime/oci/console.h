// SPDX-License-Identifier: Apache-2.0
// Sends descriptors to other programs over Unix sockets: the container's terminal to the client (--console-socket;
// runc, docs/terminals.md), a seccomp listener to a seccomp agent (config-linux.md, listenerPath).
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::oci {

// Called before anything of the container is made. The error names the socket and `what` it is for.
[[nodiscard]] Result<UniqueFd> connect_to(const std::string& path, const std::string& what);

// Sends one message with the descriptor of the terminal's master side.
[[nodiscard]] Status send_terminal(const UniqueFd& socket, const UniqueFd& terminal);

// Sends `state` with the listener's descriptor, over a connection of its own.
[[nodiscard]] Status send_listener(const std::string& path, const std::string& state, const UniqueFd& listener);

// Hands a pidfd to the socket of --pidfd-socket; nothing when that is empty.
[[nodiscard]] Status send_pidfd(const std::string& path, const UniqueFd& pidfd);

}  // namespace mete::runtime::oci
