// SPDX-License-Identifier: Apache-2.0
// A TCP connection to the same machine.
#pragma once

#include <sys/socket.h>

#include <cerrno>

#include "agent/base/asio.h"

namespace mete::agent {

// connect(2) of a socket that does not block: its errno, 0 once it is connected, EINPROGRESS: that is not known yet. On
// this machine the other end has answered when the call returns, and the call says only the second time how.
[[nodiscard]] inline int connect_at_once(int socket, const asio::ip::tcp::endpoint& to) {
  const auto attempt = [&] { return ::connect(socket, to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno; };
  int error = attempt();
  if (error == EINPROGRESS) error = attempt();
  return error == EALREADY ? EINPROGRESS : error;
}

}  // namespace mete::agent
