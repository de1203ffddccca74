// SPDX-License-Identifier: Apache-2.0
// The device through which the VXLAN packets of encrypted networks go: one for each agent, with a peer for each other
// machine (include/uapi/linux/wireguard.h, drivers/net/wireguard/netlink.c). A machine's address in the tunnel follows
// from its word, so nobody gives addresses, and WireGuard takes packets of that address from its key alone. Pure.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/network/netlink.h"
#include "runtime/network/network_spec.h"

namespace mete::runtime::network {

// Of Curve25519, private or public. A private one goes into the kernel and its file, and nowhere else.
using TunnelKey = std::array<std::uint8_t, 32>;

// What a packet of WireGuard has around that inside: IPv6 40 (of IPv4 20, but a machine may have peers of both), UDP 8,
// header 16, tag 16.
inline constexpr std::uint32_t kTunnelOverhead = 80;

// Addresses of machines in the tunnel. Unique local ones (RFC 4193), "metewg" in letters.
inline constexpr IpRange kTunnelAddresses{
    {true, {0xfd, 0x6d, 0x65, 0x74, 0x65, 0x77, 0x67, 0x00, 0, 0, 0, 0, 0, 0, 0, 0}}, 64};
// That of the machine with this word of 16 hexadecimal digits; empty: it is none.
[[nodiscard]] std::optional<IpAddress> tunnel_address(const std::string& host);

// "mtw" and what follows from the name of the agent's tables, as only one agent has them.
[[nodiscard]] std::string tunnel_device(const std::string& table);

// This machine's end.
struct Tunnel {
  std::string device;
  TunnelKey key{};         // private
  TunnelKey public_key{};  // what follows from it
  std::uint16_t port = 0;  // UDP
  IpAddress address;       // in the tunnel
  std::uint32_t mtu = 0;
  bool operator==(const Tunnel&) const = default;
};

// Another machine, by its public key.
struct TunnelPeer {
  IpAddress endpoint;      // where it is sent to
  std::uint16_t port = 0;  // UDP
  IpAddress address;       // in the tunnel
  bool operator==(const TunnelPeer&) const = default;
};
using TunnelPeers = std::map<TunnelKey, TunnelPeer>;

// What the kernel has of a peer. It changes the endpoint itself, to where the peer's last packet came from.
struct PresentPeer {
  IpAddress endpoint;
  std::uint16_t port = 0;
  std::set<std::pair<IpAddress, unsigned>> allowed;  // ranges, by address and length
  std::chrono::seconds last_handshake{0};            // of the epoch; 0: there was none
};
struct PresentTunnel {
  std::uint16_t port = 0;
  TunnelKey public_key{};
  std::map<TunnelKey, PresentPeer> peers;
};

// A generic netlink family has a number that the kernel has chosen: the messages of the answer to list_families().
[[nodiscard]] Message list_families();
[[nodiscard]] std::optional<std::uint16_t> family_in(const struct nlmsghdr& message, const std::string& name);

// `family`: WireGuard's number. `index`: the device's. What it has already keeps its sessions.
[[nodiscard]] Message set_tunnel(std::uint16_t family, int index, const Tunnel& tunnel);
[[nodiscard]] Message list_tunnel(std::uint16_t family, int index);
// Message by message of the answer; the private key in it is not looked at.
void take_tunnel(const struct nlmsghdr& message, PresentTunnel& tunnel);

// From what the kernel has to what it is to have. An endpoint that the kernel has found itself stays while the peer is
// heard there (a handshake in the last three minutes), unless `before`, what was wanted until now, had another one.
struct PeerChange {
  enum class Does : std::uint8_t { kRemove, kSet, kMove };  // kMove: its endpoint alone
  Does does = Does::kSet;
  TunnelKey key{};
  TunnelPeer peer = {};
  bool operator==(const PeerChange&) const = default;
};
[[nodiscard]] std::vector<PeerChange> peer_changes(const PresentTunnel& present, const TunnelPeers& before,
                                                   const TunnelPeers& wanted, std::chrono::seconds now);
// As messages of at most a hundred peers each.
[[nodiscard]] std::vector<Message> change_peers(std::uint16_t family, int index,
                                                const std::vector<PeerChange>& changes);

}  // namespace mete::runtime::network
