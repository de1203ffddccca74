// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "runtime/file.h"

namespace mete::runtime::oci {
namespace {

constexpr const char* kInside = "/run/notify";
constexpr const char* kName = "notify.sock";

std::string host_socket() {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  return path == nullptr ? "" : path;
}

std::string directory_of(const Place& place) {
  return place.directory() + "/notify";
}

UniqueFd datagram_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

Status tell(const std::string& where, const std::string& text) {
  const UniqueFd socket = datagram_socket();
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (!socket.valid() || where.size() >= sizeof address.sun_path)
    return fail("NOTIFY_SOCKET: found \"" + where + "\", expected a path that fits into an address");
  std::memcpy(address.sun_path, where.data(), where.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract address
  const auto length = static_cast<socklen_t>(offsetof(struct sockaddr_un, sun_path) + where.size());
  if (::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const struct sockaddr*>(&address),
               length) < 0)
    return fail_errno("NOTIFY_SOCKET " + where);
  return {};
}

bool is_ready(std::string_view message) {
  while (!message.empty()) {
    const std::string_view line = message.substr(0, message.find('\n'));
    if (line == "READY=1") return true;
    message.remove_prefix(std::min(line.size() + 1, message.size()));
  }
  return false;
}

}  // namespace

Status offer_notify_socket(const Place& place, process::LaunchSpec& launch) {
  if (host_socket().empty()) return {};
  const std::string directory = directory_of(place);
  if (::mkdir(directory.c_str(), 0755) != 0) return fail_errno("mkdir " + directory);
  process::MountSpec mount;
  mount.type = "bind";
  mount.source = directory;
  mount.destination = kInside;
  mount.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  launch.mounts.push_back(std::move(mount));
  std::erase_if(launch.env, [](const std::string& each) { return each.starts_with("NOTIFY_SOCKET="); });
  launch.env.push_back(std::string("NOTIFY_SOCKET=") + kInside + "/" + kName);
  return {};
}

Result<UniqueFd> open_notify_socket(const Place& place) {
  const UniqueFd directory(::open(directory_of(place).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (host_socket().empty() || !directory.valid()) return UniqueFd();
  UniqueFd socket = datagram_socket();
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  // By descriptor: the path may be longer than a socket address holds.
  const std::string path = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + kName;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!socket.valid() || ::bind(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("make the notify socket");
  // Writable for every user: the container's user is not known here.
  if (::fchmodat(directory.get(), kName, 0777, 0) != 0) return fail_errno("make the notify socket");
  return socket;
}

void pass_readiness(const UniqueFd& socket, pid_t pid, const UniqueFd& pidfd) {
  if (!socket.valid()) return;
  while (true) {
    pollfd waits[2] = {{socket.get(), POLLIN, 0}, {pidfd.get(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return;
    char message[4096];
    const ssize_t got = ::recv(socket.get(), message, sizeof message, MSG_DONTWAIT);
    if (got > 0 && is_ready({message, static_cast<std::size_t>(got)})) {
      // An error of the manager does not stop the container.
      (void)tell(host_socket(), "MAINPID=" + std::to_string(pid) + "\nREADY=1\n");
      return;
    }
    if (got < 0 && waits[1].revents != 0) return;
  }
}

}  // namespace mete::runtime::oci
