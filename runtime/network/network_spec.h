// SPDX-License-Identifier: Apache-2.0
// A network and what is connected to it, as plain data. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/model/pod_spec.h"
#include "config/values/ip_address.h"
#include "runtime/network/bandwidth.h"

namespace mete::runtime::network {

using config::IpAddress;
using config::IpRange;
using MacAddress = std::array<std::uint8_t, 6>;

// Who makes the ends of a network's containers.
enum class Driver : std::uint8_t {
  kBridge,   // a bridge of this machine
  kOverlay,  // the same, and VXLAN between the bridges of several machines
  kMacvlan,  // the kernel, as further devices of one of the machine's, with hardware addresses of their own
  kIpvlan,   // the same with the hardware address of the device
  kCni,      // plugins of the Container Network Interface
};
[[nodiscard]] const char* to_string(Driver driver);  // "bridge"
[[nodiscard]] std::optional<Driver> driver_named(const std::string& name);

// What kMacvlan and kIpvlan are made of.
struct Underlay {
  std::string parent;         // a device of the machine: "eth0", or "eth0.10" of a VLAN
  bool makes_parent = false;  // it comes and goes with the network
  std::string mode;           // macvlan_mode or ipvlan_mode in docker's words; empty: bridge or l2
  std::string flag;           // ipvlan_flag; empty: bridge
  bool operator==(const Underlay&) const = default;
};

// What leaves the bridge of a kOverlay for another machine goes in VXLAN packets (RFC 7348).
struct OverlayLink {
  std::uint32_t vni = 0;  // the number of the network, the same on all machines
  IpAddress local;        // this machine's address between them; of an encrypted one that in the tunnel
  std::uint16_t port = 4789;
  bool encrypted = false;  // VXLAN packets leave by the machine's WireGuard device alone
  bool operator==(const OverlayLink&) const = default;
};

// A network of this machine.
struct NetworkSpec {
  std::string name;    // "bridge", or a person's word
  std::string device;  // of kBridge, "mete0": at most 15 characters
  IpRange range;       // of kCni, which gives addresses itself, nothing
  std::optional<IpRange> range6;
  std::optional<IpAddress> gateway;  // empty: the first address of the range
  std::optional<IpAddress> gateway6;
  std::optional<IpRange> part;                              // containers get addresses of this part of `range` alone
  std::vector<std::pair<std::string, IpAddress>> reserved;  // addresses of others in `range`, with a name for each
  std::uint32_t mtu = 1500;                                 // 0: that of the parent
  bool internal = false;                                    // no way out, and none in
  bool between_containers = true;                           // they reach each other
  std::vector<std::pair<std::string, std::string>> labels;
  Driver driver = Driver::kBridge;
  Underlay underlay;
  std::string configuration;           // of kCni: the name of the list of plugins
  std::optional<OverlayLink> overlay;  // of kOverlay
  bool operator==(const NetworkSpec&) const = default;
};

[[nodiscard]] IpAddress gateway_of(const NetworkSpec& network);
// What it sends to other machines goes through the WireGuard device.
[[nodiscard]] inline bool is_encrypted(const NetworkSpec& network) {
  return network.overlay && network.overlay->encrypted;
}
// Of a network that has `range6`.
[[nodiscard]] IpAddress gateway6_of(const NetworkSpec& network);
// Containers are ports of a bridge of this machine.
[[nodiscard]] inline bool has_bridge(const NetworkSpec& network) {
  return network.driver == Driver::kBridge || network.driver == Driver::kOverlay;
}
// Containers are further devices of a device of this machine.
[[nodiscard]] inline bool has_parent(const NetworkSpec& network) {
  return network.driver == Driver::kMacvlan || network.driver == Driver::kIpvlan;
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

// One end in a container, the other on a bridge, on a device of the machine, or where plugins have put it.
struct Endpoint {
  std::string network;
  std::string device;  // of the end on the bridge: kDevicePrefix and more; empty: it is on none
  MacAddress mac{};    // of the container's end; 0: that of the parent
  IpAddress address;   // 0.0.0.0: it has none
  std::optional<IpAddress> address6;
  std::vector<PublishedPort> ports;
  std::vector<std::string> names;            // by which the others of the network find it; the first is NAMESPACE/POD
  std::map<std::string, std::string> links;  // names that it alone has for others: "db" -> their NAMESPACE/POD
  std::string inside = kInsideDevice;  // of the container's end; the network of kInsideDevice alone is its way out
  bool shared = false;                 // address and devices are those of another pod, whose namespace it is in
  Bandwidth bandwidth;
  std::string answer;  // what plugins have said to ADD, JSON; empty: they have not been asked
  bool operator==(const Endpoint&) const = default;
};

// It is a device of a parent, in the container alone.
[[nodiscard]] inline bool is_on_parent(const Endpoint& endpoint) {
  return endpoint.device.empty() && !endpoint.shared;
}

// 02:6d and the IPv4 address: a locally administered address that nobody else in the network has.
[[nodiscard]] MacAddress mac_of(const IpAddress& address);
// The address of the link that the kernel makes of a hardware address (RFC 4291, appendix A).
[[nodiscard]] IpAddress link_local_of(const MacAddress& mac);
[[nodiscard]] std::string to_string(const MacAddress& mac);
// The same; empty: 0, of an end without one of its own.
[[nodiscard]] std::string mac_text(const MacAddress& mac);

// TCP 8080 of all addresses and TCP 8080 of one address lead to one container only.
[[nodiscard]] bool collide(const PublishedPort& a, const PublishedPort& b);
// "127.0.0.1:8080/tcp"
[[nodiscard]] std::string to_string(const PublishedPort& port);
[[nodiscard]] const char* to_string(config::Protocol protocol);  // "tcp"

}  // namespace mete::runtime::network
