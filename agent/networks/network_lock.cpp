// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/network_lock.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>

namespace mete::agent {

Result<runtime::UniqueFd> lock_networks(const std::string& table) {
  constexpr int kTries = 20;
  constexpr auto kBetween = std::chrono::milliseconds(50);
  runtime::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return fail_errno("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "mete/networks/" + table;  // after a zero byte: an abstract name
  if (name.size() >= sizeof address.sun_path) return fail("network " + table + ": found a name that is too long");
  std::copy(name.begin(), name.end(), &address.sun_path[1]);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  for (int i = 0; i < kTries; ++i) {
    if (i > 0) std::this_thread::sleep_for(kBetween);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0) return socket;
    if (errno != EADDRINUSE) return fail_errno("lock the networks of " + table);
  }
  return fail("networks of " + table +
              ": found another agent with them, expected none; give this one --network none, or a network.device and "
              "ranges of its own in agent.yaml");
}

}  // namespace mete::agent
