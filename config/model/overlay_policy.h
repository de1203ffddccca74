// SPDX-License-Identifier: Apache-2.0
// Networks over several machines: the section `network.overlay` of agent.yaml.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/values/ip_address.h"

namespace mete::config {

struct OverlayPolicy {
  std::vector<std::string> endpoints;  // of etcd: http://HOST:PORT or https://; asked in turn; empty: no such networks
  std::string ca_file;                 // certificates that the servers' are checked with; empty: those of the system
  std::string cert_file, key_file;     // of this machine, for etcd; both or neither
  std::string username, password_file;
  std::string prefix = "/mete/";       // of all keys; ends with '/'
  std::optional<IpAddress> advertise;  // where the other machines send to; empty: the address that reaches etcd
  std::int64_t port = 4789;            // UDP, of VXLAN (RFC 7348)
  std::int64_t tunnel_port = 14789;    // UDP, of WireGuard, for encrypted networks
  std::chrono::seconds ttl{60};        // a machine that is silent for so long has no entries any more
  [[nodiscard]] bool is_set() const { return !endpoints.empty(); }
};

}  // namespace mete::config
