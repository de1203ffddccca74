// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/console.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"

namespace mete::runtime::oci {

Result<UniqueFd> connect_to(const std::string& path, const std::string& what) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket");
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  // A client's path may be longer than a socket address holds; /proc/self/fd/N always fits.
  const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place.valid()) return fail_errno(what + " " + path);
  const std::string by_descriptor = "/proc/self/fd/" + std::to_string(place.get());
  std::memcpy(address.sun_path, by_descriptor.c_str(), by_descriptor.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno(what + " " + path);
  }
  return socket;
}

Status send_terminal(const UniqueFd& socket, const UniqueFd& terminal) {
  // Clients take the message's text as the terminal's name.
  constexpr char kName[] = "/dev/ptmx";
  if (send_with_descriptor(socket.get(), kName, sizeof kName - 1, terminal.get()) < 0)
    return fail_errno("hand the terminal to --console-socket");
  return {};
}

Status send_pidfd(const std::string& path, const UniqueFd& pidfd) {
  if (path.empty()) return {};
  METE_TRY(const UniqueFd socket, connect_to(path, "--pidfd-socket"));
  constexpr char kName[] = "pidfd";
  if (send_with_descriptor(socket.get(), kName, sizeof kName - 1, pidfd.get()) < 0)
    return fail_errno("hand the pidfd to --pidfd-socket");
  return {};
}

Status send_listener(const std::string& path, const std::string& state, const UniqueFd& listener) {
  METE_TRY(const UniqueFd socket, connect_to(path, "linux.seccomp.listenerPath"));
  const ssize_t sent = send_with_descriptor(socket.get(), state.data(), state.size(), listener.get());
  if (sent < 0) return fail_errno("hand the seccomp listener to " + path);
  // The rest of the state follows when it did not fit into the first message.
  return write_all(socket.get(), std::string_view(state).substr(static_cast<std::size_t>(sent)));
}

}  // namespace mete::runtime::oci
