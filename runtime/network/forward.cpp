// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/forward.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "runtime/file.h"
#include "runtime/network/network_visit.h"

namespace mete::runtime::network {
namespace {

// A socket belongs to the network namespace in which it was made.
Result<UniqueFd> socket_in(const UniqueFd& space, int family) {
  METE_TRY(const NetworkVisit visit, NetworkVisit::enter(space.get()));
  UniqueFd made(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!made.valid()) return fail_errno("socket");
  return made;
}

Status connect_v4(const UniqueFd& socket, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int done = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return done == 0 ? Status() : fail_errno("connect to port " + std::to_string(port) + " in the pod");
}

Status connect_v6(const UniqueFd& socket, std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  const int done = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  return done == 0 ? Status() : fail_errno("connect to port " + std::to_string(port) + " in the pod");
}

// One direction. What was read and not written yet is kept, so that neither side is waited for.
struct Direction {
  int from;
  int to;
  std::array<char, 64 << 10> buffer{};
  std::size_t begin = 0;
  std::size_t end = 0;
  bool open = true;

  [[nodiscard]] bool is_empty() const { return begin == end; }
  void read() {
    const ssize_t got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    begin = 0;
    end = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (got > 0) return;
    open = false;
    (void)::shutdown(to, SHUT_WR);
  }
  void write() {
    const ssize_t put = ::send(to, buffer.data() + begin, end - begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put > 0) {
      begin += static_cast<std::size_t>(put);
      return;
    }
    // The reader is gone: who writes is told by a reset of its own.
    begin = end = 0;
    open = false;
    (void)::shutdown(from, SHUT_RD);
  }
};

}  // namespace

Result<UniqueFd> connect_inside(const process::ProcessId& process, std::uint16_t port) {
  METE_TRY(const UniqueFd before, process::open_pidfd(process));
  METE_TRY(const UniqueFd space, open_at(AT_FDCWD, "/proc/" + std::to_string(process.pid) + "/ns/net", O_RDONLY));
  METE_TRY(const UniqueFd after, process::open_pidfd(process));
  METE_TRY(UniqueFd v4, socket_in(space, AF_INET));
  const Status done = connect_v4(v4, port);
  if (done) return v4;
  // A program may listen on the other loopback only.
  if (auto v6 = socket_in(space, AF_INET6); v6 && connect_v6(*v6, port)) return v6;
  return tl::unexpected(done.error());
}

void relay_streams(const UniqueFd& a, const UniqueFd& b) {
  Direction there{a.get(), b.get()};
  Direction back{b.get(), a.get()};
  while (there.open || back.open) {
    short wanted[2] = {0, 0};
    const auto want = [&](const Direction& direction, int from, int to) {
      if (direction.open && direction.is_empty()) wanted[from] = static_cast<short>(wanted[from] | POLLIN);
      if (direction.open && !direction.is_empty()) wanted[to] = static_cast<short>(wanted[to] | POLLOUT);
    };
    want(there, 0, 1);
    want(back, 1, 0);
    // One that is not waited for must not wake the loop by its end over and over.
    pollfd waits[2] = {{wanted[0] != 0 ? a.get() : -1, wanted[0], 0}, {wanted[1] != 0 ? b.get() : -1, wanted[1], 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    const auto move = [&](Direction& direction, const pollfd& from, const pollfd& to) {
      constexpr int kGone = POLLHUP | POLLERR;
      if (!direction.open) return;
      if (!direction.is_empty() && (to.revents & (POLLOUT | kGone)) != 0) {
        direction.write();
      } else if (direction.is_empty() && (from.revents & (POLLIN | kGone)) != 0) {
        direction.read();
      }
    };
    move(there, waits[0], waits[1]);
    move(back, waits[1], waits[0]);
  }
}

}  // namespace mete::runtime::network
