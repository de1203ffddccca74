// SPDX-License-Identifier: Apache-2.0
#include "runtime/descriptor_passing.h"

#include <sys/socket.h>

#include <cstring>

namespace mete::runtime {

ssize_t send_with_descriptor(int socket, const void* text, std::size_t size, int fd) {
  struct iovec part {const_cast<void*>(text), size};
  alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)] = {};
  struct msghdr message {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t receive_with_descriptor(int socket, void* text, std::size_t size, UniqueFd& descriptor, int flags) {
  struct iovec part {text, size};
  alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  struct msghdr message {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  const ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  const struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    descriptor = UniqueFd(fd);
  }
  return got;
}

}  // namespace mete::runtime
