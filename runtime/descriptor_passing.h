// SPDX-License-Identifier: Apache-2.0
// Descriptors over a Unix socket (unix(7), SCM_RIGHTS). Without allocation: for use between clone and exec, too.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

#include "runtime/fd.h"

namespace mete::runtime {

constexpr std::size_t kMostDescriptors = 32;  // in one message

// One message of `size` bytes with `fds`, at most kMostDescriptors. The number of bytes sent, or -1 with errno.
ssize_t send_with_descriptors(int socket, const void* text, std::size_t size, std::span<const int> fds);
ssize_t send_with_descriptor(int socket, const void* text, std::size_t size, int fd);

// One message of at most `size` bytes; the descriptors that came with it, close-on-exec, are written to `fds` (with
// room for kMostDescriptors), their number to `count`. As recvmsg(2). The caller closes them.
ssize_t receive_with_descriptors(int socket, void* text, std::size_t size, int* fds, std::size_t& count, int flags = 0);

// One message of at most `size` bytes, and the descriptor that came with it, close-on-exec, or an invalid one. As
// recvmsg(2).
ssize_t receive_with_descriptor(int socket, void* text, std::size_t size, UniqueFd& descriptor, int flags = 0);

}  // namespace mete::runtime
