// SPDX-License-Identifier: Apache-2.0
// Passing of descriptors over a Unix socket (unix(7), SCM_RIGHTS). No function allocates, so all may be called between
// clone and exec.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>

#include "runtime/fd.h"

namespace mete::runtime {

constexpr std::size_t kMostDescriptors = 32;  // in one message

// Sends one message of `size` bytes with `fds`, at most kMostDescriptors. Returns the number of bytes sent, or -1 with
// errno.
ssize_t send_with_descriptors(int socket, const void* text, std::size_t size, std::span<const int> fds);
ssize_t send_with_descriptor(int socket, const void* text, std::size_t size, int fd);

// Receives one message of at most `size` bytes. Writes the descriptors of the message, close-on-exec, to `fds` (with
// room for kMostDescriptors) and their number to `count`; the caller owns them. Flags and result are those of
// recvmsg(2).
ssize_t receive_with_descriptors(int socket, void* text, std::size_t size, int* fds, std::size_t& count, int flags = 0);

// The same for at most one descriptor: `descriptor` receives it, close-on-exec, or becomes invalid when the message
// carries none.
ssize_t receive_with_descriptor(int socket, void* text, std::size_t size, UniqueFd& descriptor, int flags = 0);

}  // namespace mete::runtime
