// SPDX-License-Identifier: Apache-2.0
// A network and what is connected to it, as plain data. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/ip_address.h"
#include "config/pod_spec.h"
#include "runtime/network/bandwidth.h"

namespace mete::runtime::network {

using config::IpAddress;
using config::IpRange;
using MacAddress = std::array<std::uint8_t, 6>;

// A network over several machines: what leaves the bridge for another machine goes in VXLAN packets (RFC 7348).
struct OverlayLink {
  std::uint32_t vni = 0;  // the number of the network, the same on all machines
  IpAddress local;        // this machine's address between them
  std::uint16_t port = 4789;
  bool operator==(const OverlayLink&) const = default;
};

// A bridge of this machine. Its gateway is the first address of each range.
struct NetworkSpec {
  std::string name;    // "bridge", or a person's word
  std::string device;  // "mete0": at most 15 characters
  IpRange range;
  std::optional<IpRange> range6;
  std::uint32_t mtu = 1500;
  bool internal = false;           // no way out, and none in
  bool between_containers = true;  // they reach each other
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<OverlayLink> overlay;  // empty: it ends at this machine
  bool operator==(const NetworkSpec&) const = default;
};

[[nodiscard]] inline IpAddress gateway_of(const IpRange& range) {
  return config::nth(range, 1);
}

// A port of the machine that leads to a port of a container.
struct PublishedPort {
  config::Protocol protocol = config::Protocol::kTcp;
  std::optional<IpAddress> host_address;  // empty: all addresses of the machine, of v4 and v6
  std::uint16_t host_port = 0;
  std::uint16_t container_port = 0;
  auto operator<=>(const PublishedPort&) const = default;
};

// How the names of ends on a bridge begin.
inline constexpr const char* kDevicePrefix = "mte";
inline constexpr const char* kInsideDevice = "eth0";

// One end in a container, the other on a bridge.
struct Endpoint {
  std::string network;
  std::string device;  // of the end on the bridge: kDevicePrefix and more
  MacAddress mac{};    // of the container's end
  IpAddress address;
  std::optional<IpAddress> address6;
  std::vector<PublishedPort> ports;
  std::vector<std::string> names;      // by which the others of the network find it; the first is NAMESPACE/POD
  std::string inside = kInsideDevice;  // of the container's end; the network of kInsideDevice alone is its way out
  bool shared = false;                 // address and devices are those of another pod, whose namespace it is in
  Bandwidth bandwidth;
  bool operator==(const Endpoint&) const = default;
};

// 02:6d and the IPv4 address: a locally administered address that nobody else in the network has.
[[nodiscard]] MacAddress mac_of(const IpAddress& address);
// The address of the link that the kernel makes of a hardware address (RFC 4291, appendix A).
[[nodiscard]] IpAddress link_local_of(const MacAddress& mac);
[[nodiscard]] std::string to_string(const MacAddress& mac);

// TCP 8080 of all addresses and TCP 8080 of one address lead to one container only.
[[nodiscard]] bool collide(const PublishedPort& a, const PublishedPort& b);
// "127.0.0.1:8080/tcp"
[[nodiscard]] std::string to_string(const PublishedPort& port);
[[nodiscard]] const char* to_string(config::Protocol protocol);  // "tcp"

}  // namespace mete::runtime::network
