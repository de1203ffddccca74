// SPDX-License-Identifier: Apache-2.0
// docker's words for published ports (`docker run -p`): "8080:80", "127.0.0.1:8080:80/udp", "[fd00::1]:53:53",
// "8000-8010:80-90", "8000-8010:80", "80". Pure.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

// One port of a container, and the ports of the machine of which one is to lead to it.
struct WantedPort {
  config::Protocol protocol = config::Protocol::kTcp;
  std::optional<IpAddress> host_address;  // empty: all addresses of the machine
  std::uint16_t first = 0;                // 0: any free one
  std::uint16_t last = 0;                 // the same as `first` where one port is asked for
  std::uint16_t container_port = 0;
  bool operator==(const WantedPort&) const = default;
};

// Ranges on both sides are of one length and give a port each; a range for one port of the container leaves the choice.
// 0.0.0.0 and [::] are all addresses. The error names the word and what was expected.
[[nodiscard]] Result<std::vector<WantedPort>> parse_port_words(std::string_view text);

// "127.0.0.1:8080:80/tcp", "8000-8010:80/tcp", "127.0.0.1::80/tcp", "80/tcp": parse_port_words() reads the same.
[[nodiscard]] std::string to_string(const WantedPort& port);

// The port of the machine is decided: `host_port` is one of first..last, or the one that was found free.
[[nodiscard]] inline PublishedPort published(const WantedPort& port, std::uint16_t host_port) {
  return {port.protocol, port.host_address, host_port, port.container_port};
}

}  // namespace mete::runtime::network
