// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/console.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "runtime/descriptor_passing.h"
#include "runtime/file.h"

namespace mete::runtime::oci {

Result<UniqueFd> connect_console(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket");
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  // Clients' paths are longer than an address holds; one by descriptor is not.
  METE_TRY(const UniqueFd place, open_at(AT_FDCWD, path, O_PATH));
  const std::string by_descriptor = "/proc/self/fd/" + std::to_string(place.get());
  std::memcpy(address.sun_path, by_descriptor.c_str(), by_descriptor.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0) {
    return fail_errno("--console-socket " + path);
  }
  return socket;
}

Status send_terminal(const UniqueFd& socket, const UniqueFd& terminal) {
  // Clients take the text for the terminal's name.
  constexpr char kName[] = "/dev/ptmx";
  if (send_with_descriptor(socket.get(), kName, sizeof kName - 1, terminal.get()) < 0) return fail_errno("hand the terminal to --console-socket");
  return {};
}

}  // namespace mete::runtime::oci
