// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/network_spec.h"

#include <algorithm>
#include <cstdio>

namespace mete::runtime::network {

namespace {

constexpr std::pair<Driver, const char*> kDriverNames[] = {{Driver::kBridge, "bridge"},
                                                           {Driver::kOverlay, "overlay"},
                                                           {Driver::kMacvlan, "macvlan"},
                                                           {Driver::kIpvlan, "ipvlan"},
                                                           {Driver::kCni, "cni"}};

}  // namespace

const char* to_string(Driver driver) {
  for (const auto& [each, name] : kDriverNames) {
    if (each == driver) return name;
  }
  return "";
}

std::optional<Driver> driver_named(const std::string& name) {
  for (const auto& [each, own] : kDriverNames) {
    if (name == own) return each;
  }
  return std::nullopt;
}

IpAddress gateway_of(const NetworkSpec& network) {
  return network.gateway.value_or(config::nth(network.range, 1));
}

IpAddress gateway6_of(const NetworkSpec& network) {
  return network.gateway6.value_or(config::nth(*network.range6, 1));
}

MacAddress mac_of(const IpAddress& address) {
  return {0x02, 0x6d, address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]};
}

IpAddress link_local_of(const MacAddress& mac) {
  constexpr std::uint8_t kUniversal = 0x02;
  IpAddress address;
  address.v6 = true;
  address.bytes = {0xfe,   0x80,   0,    0,    0,      0,      0,     0, static_cast<std::uint8_t>(mac[0] ^ kUniversal),
                   mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};
  return address;
}

std::string to_string(const MacAddress& mac) {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
  return text;
}

std::string mac_text(const MacAddress& mac) {
  return mac == MacAddress{} ? std::string() : to_string(mac);
}

bool collide(const PublishedPort& a, const PublishedPort& b) {
  if (a.protocol != b.protocol || a.host_port != b.host_port) return false;
  return !a.host_address || !b.host_address || *a.host_address == *b.host_address;
}

const char* to_string(config::Protocol protocol) {
  switch (protocol) {
    case config::Protocol::kUdp:
      return "udp";
    case config::Protocol::kSctp:
      return "sctp";
    case config::Protocol::kTcp:
      break;
  }
  return "tcp";
}

std::string to_string(const PublishedPort& port) {
  std::string address = "0.0.0.0";
  if (port.host_address) {
    address = config::to_string(*port.host_address);
    if (port.host_address->v6) address = "[" + address + "]";
  }
  return address + ":" + std::to_string(port.host_port) + "/" + to_string(port.protocol);
}

}  // namespace mete::runtime::network
