// SPDX-License-Identifier: Apache-2.0
// A descriptor over a Unix socket (unix(7), SCM_RIGHTS). Without allocation: for use between clone and exec, too.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "runtime/fd.h"

namespace mete::runtime {

// One message of `size` bytes with `fd`. The number of bytes sent, or -1 with errno.
ssize_t send_with_descriptor(int socket, const void* text, std::size_t size, int fd);

// One message of at most `size` bytes, and the descriptor that came with it, close-on-exec, or an invalid one. As recvmsg(2).
ssize_t receive_with_descriptor(int socket, void* text, std::size_t size, UniqueFd& descriptor, int flags = 0);

}  // namespace mete::runtime
