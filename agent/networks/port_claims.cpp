// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/port_claims.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace mete::agent {
namespace {

using runtime::UniqueFd;
using runtime::network::IpAddress;
using runtime::network::PublishedPort;

// Who listens on a port is found by the bind alone: SO_REUSEADDR lets one through whose old connections are not over
// yet.
Result<UniqueFd> bind_one(const PublishedPort& port, const IpAddress& address) {
  const bool tcp = port.protocol == config::Protocol::kTcp;
  UniqueFd socket(
      ::socket(address.v6 ? AF_INET6 : AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // A machine without IPv6 has nobody on it, either.
  if (!socket.valid() && (errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT)) return UniqueFd();
  if (!socket.valid()) return fail_errno("claim port " + to_string(port));
  const int on = 1;
  if (tcp) (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage to{};
  socklen_t size = 0;
  if (address.v6) {
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    auto* const v6 = static_cast<sockaddr_in6*>(static_cast<void*>(&to));
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port.host_port);
    std::memcpy(&v6->sin6_addr, address.bytes.data(), sizeof v6->sin6_addr);
    size = sizeof *v6;
  } else {
    auto* const v4 = static_cast<sockaddr_in*>(static_cast<void*>(&to));
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port.host_port);
    std::memcpy(&v4->sin_addr, address.bytes.data(), sizeof v4->sin_addr);
    size = sizeof *v4;
  }
  if (::bind(socket.get(), static_cast<const sockaddr*>(static_cast<const void*>(&to)), size) == 0) return socket;
  const int error = errno;
  if (address.v6 && !port.host_address && error == EADDRNOTAVAIL) return UniqueFd();  // IPv6 is switched off
  if (error == EADDRINUSE)
    return fail("port " + to_string(port) + ": found it taken by another program, expected a free one");
  return fail_errno("claim port " + to_string(port), error);
}

Result<std::vector<UniqueFd>> bind_all(const PublishedPort& port) {
  std::vector<UniqueFd> sockets;
  // The kernel has no sockets of SCTP without its module, and nothing else would hold such a port.
  if (port.protocol == config::Protocol::kSctp) return sockets;
  std::vector<IpAddress> addresses = {IpAddress{false, {}}, IpAddress{true, {}}};
  if (port.host_address) addresses = {*port.host_address};
  for (const auto& address : addresses) {
    METE_TRY(auto socket, bind_one(port, address));
    if (socket.valid()) sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace

Status PortClaims::check_free(const std::string& uid, const PublishedPort& port) const {
  for (const auto& [other, held] : held_) {
    if (other == uid) continue;
    for (const auto& [taken, sockets] : held.ports) {
      if (collide(taken, port))
        return fail("port " + to_string(port) + ": found it published for " +
                    (held.pod.starts_with("Service ") ? "" : "pod ") + held.pod + ", expected a free one");
    }
  }
  return {};
}

Status PortClaims::claim(const std::string& uid, const std::string& pod, const std::vector<PublishedPort>& ports) {
  std::map<PublishedPort, std::vector<UniqueFd>> fresh;
  const auto before = held_.find(uid);
  const auto holds = [&](const PublishedPort& port) {
    return before != held_.end() && before->second.ports.contains(port);
  };
  for (const auto& port : ports) {
    if (holds(port)) continue;
    METE_CHECK(check_free(uid, port));
    METE_TRY(fresh[port], bind_all(port));
  }
  if (before != held_.end()) {
    for (auto& [port, sockets] : before->second.ports) {
      if (std::find(ports.begin(), ports.end(), port) != ports.end()) fresh[port] = std::move(sockets);
    }
  }
  held_[uid] = {pod, std::move(fresh)};
  return {};
}

void PortClaims::adopt(const std::string& uid, const std::string& pod, const std::vector<PublishedPort>& ports) {
  Held& held = held_[uid];
  held.pod = pod;
  for (const auto& port : ports) {
    auto sockets = bind_all(port);
    held.ports[port] = sockets ? std::move(*sockets) : std::vector<UniqueFd>();
  }
}

}  // namespace mete::agent
