// SPDX-License-Identifier: Apache-2.0
#include "runtime/descriptor_passing.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mete::runtime {
namespace {

constexpr std::size_t kRoom = CMSG_SPACE(kMostDescriptors * sizeof(int));

}  // namespace

ssize_t send_with_descriptors(int socket, const void* text, std::size_t size, std::span<const int> fds) {
  if (fds.size() > kMostDescriptors) {
    errno = E2BIG;
    return -1;
  }
  struct iovec part {
    const_cast<void*>(text), size
  };
  alignas(struct cmsghdr) char room[kRoom] = {};
  struct msghdr message {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = room;
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t send_with_descriptor(int socket, const void* text, std::size_t size, int fd) {
  return send_with_descriptors(socket, text, size, std::span<const int>(&fd, 1));
}

ssize_t receive_with_descriptors(int socket, void* text, std::size_t size, int* fds, std::size_t& count, int flags) {
  count = 0;
  struct iovec part {
    text, size
  };
  alignas(struct cmsghdr) char room[kRoom] = {};
  struct msghdr message {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  const struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    count = std::min(kMostDescriptors, (header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(fds, CMSG_DATA(header), count * sizeof(int));
  }
  return got;
}

ssize_t receive_with_descriptor(int socket, void* text, std::size_t size, UniqueFd& descriptor, int flags) {
  int fds[kMostDescriptors];
  std::size_t count = 0;
  const ssize_t got = receive_with_descriptors(socket, text, size, fds, count, flags);
  if (count > 0) descriptor = UniqueFd(fds[0]);
  for (std::size_t i = 1; i < count; ++i) ::close(fds[i]);
  return got;
}

}  // namespace mete::runtime
