// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of the other end of a unix socket (net/unix/af_unix.c).
#pragma once

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace mete::agent {

// It has not read all that was written to it (unix_outq_len).
[[nodiscard]] inline bool is_unread_by_peer(int unix_socket) {
  int unread = 0;
  return ::ioctl(unix_socket, SIOCOUTQ, &unread) == 0 && unread > 0;
}

// It is closed. One that has only ended its sending has not hung up.
[[nodiscard]] inline bool has_hung_up(int unix_socket) {
  pollfd look{unix_socket, 0, 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & POLLHUP) != 0;
}

}  // namespace mete::agent
