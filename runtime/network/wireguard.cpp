// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/wireguard.h"

#include <arpa/inet.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>

namespace mete::runtime::network {
namespace {

constexpr std::size_t kPeersAtOnce = 100;
constexpr std::chrono::seconds kHeard{180};  // REJECT_AFTER_TIME: no session is older
constexpr unsigned kWholeAddress = 128;

struct genlmsghdr head_of(std::uint8_t command, std::uint8_t version) {
  struct genlmsghdr head {};
  head.cmd = command;
  head.version = version;
  return head;
}

std::string_view attributes_of(const struct nlmsghdr& message) {
  const std::string_view body = body_of(message);
  return body.size() < GENL_HDRLEN ? std::string_view() : body.substr(GENL_HDRLEN);
}

// The padding of sockaddr_in is part of what the kernel wants.
std::string socket_address(const IpAddress& address, std::uint16_t port) {
  if (address.v6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), address.size());
    return {static_cast<const char*>(static_cast<const void*>(&v6)), sizeof v6};
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, address.bytes.data(), address.size());
  return {static_cast<const char*>(static_cast<const void*>(&v4)), sizeof v4};
}

void take_endpoint(std::string_view data, PresentPeer& peer) {
  sa_family_t family = 0;
  if (data.size() < sizeof family) return;
  std::memcpy(&family, data.data(), sizeof family);
  if (family == AF_INET && data.size() >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, data.data(), sizeof v4);
    peer.endpoint = {};
    std::memcpy(peer.endpoint.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    peer.port = ntohs(v4.sin_port);
  }
  if (family == AF_INET6 && data.size() >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, data.data(), sizeof v6);
    peer.endpoint.v6 = true;
    std::memcpy(peer.endpoint.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    peer.port = ntohs(v6.sin6_port);
  }
}

void take_allowed(std::string_view data, PresentPeer& peer) {
  std::pair<IpAddress, unsigned> range;
  for (const auto& each : attributes_in(data)) {
    if (each.type == WGALLOWEDIP_A_CIDR_MASK && each.data.size() == 1)
      range.second = static_cast<unsigned char>(each.data[0]);
    if (each.type != WGALLOWEDIP_A_IPADDR || (each.data.size() != 4 && each.data.size() != 16)) continue;
    range.first.v6 = each.data.size() == 16;
    std::memcpy(range.first.bytes.data(), each.data.data(), each.data.size());
  }
  peer.allowed.insert(range);
}

std::optional<TunnelKey> key_in(const Attribute& attribute) {
  TunnelKey key{};
  if (attribute.data.size() != key.size()) return std::nullopt;
  std::memcpy(key.data(), attribute.data.data(), key.size());
  return key;
}

// One with more ranges than a message holds comes again in the next, with the rest of them.
void take_peer(std::string_view data, PresentTunnel& tunnel) {
  const auto attributes = attributes_in(data);
  const auto named = std::find_if(attributes.begin(), attributes.end(),
                                  [](const Attribute& each) { return each.type == WGPEER_A_PUBLIC_KEY; });
  const auto key = named == attributes.end() ? std::nullopt : key_in(*named);
  if (!key) return;
  PresentPeer& peer = tunnel.peers[*key];
  for (const auto& each : attributes) {
    if (each.type == WGPEER_A_ENDPOINT) take_endpoint(each.data, peer);
    // struct __kernel_timespec, whose first member is the seconds.
    std::int64_t seconds = 0;
    if (each.type == WGPEER_A_LAST_HANDSHAKE_TIME && each.data.size() >= sizeof seconds) {
      std::memcpy(&seconds, each.data.data(), sizeof seconds);
      peer.last_handshake = std::chrono::seconds(seconds);
    }
    if (each.type != WGPEER_A_ALLOWEDIPS) continue;
    for (const auto& allowed : attributes_in(each.data)) take_allowed(allowed.data, peer);
  }
}

void add_change(const PeerChange& change, Message& message) {
  using Does = PeerChange::Does;
  const auto peer = message.begin(NLA_F_NESTED);
  message.add(WGPEER_A_PUBLIC_KEY, change.key.data(), change.key.size());
  if (change.does == Does::kRemove) message.add_u32(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
  if (change.does != Does::kRemove)
    message.add_bytes(WGPEER_A_ENDPOINT, socket_address(change.peer.endpoint, change.peer.port));
  if (change.does == Does::kSet) {
    message.add_u32(WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
    const auto all = message.begin(WGPEER_A_ALLOWEDIPS | NLA_F_NESTED);
    const auto one = message.begin(NLA_F_NESTED);
    message.add_u16(WGALLOWEDIP_A_FAMILY, AF_INET6);
    message.add(WGALLOWEDIP_A_IPADDR, change.peer.address.bytes.data(), change.peer.address.size());
    message.add_u8(WGALLOWEDIP_A_CIDR_MASK, kWholeAddress);
    message.end(one);
    message.end(all);
  }
  message.end(peer);
}

}  // namespace

std::optional<IpAddress> tunnel_address(const std::string& host) {
  constexpr std::size_t kDigits = 16;
  std::uint64_t number = 0;
  const char* const end = host.data() + host.size();
  const auto [at, error] = std::from_chars(host.data(), end, number, 16);
  if (host.size() != kDigits || error != std::errc() || at != end) return std::nullopt;
  IpAddress address = kTunnelAddresses.address;
  for (std::size_t i = 0; i < sizeof number; ++i)
    address.bytes[address.bytes.size() - 1 - i] = static_cast<std::uint8_t>(number >> 8U * i);
  return address;
}

std::string tunnel_device(const std::string& table) {
  std::uint32_t sum = 0;
  for (const char each : table) sum = sum * 31 + static_cast<unsigned char>(each);
  char text[16];
  std::snprintf(text, sizeof text, "mtw%08x", sum);
  return text;
}

Message list_families() {
  return {GENL_ID_CTRL, 0, head_of(CTRL_CMD_GETFAMILY, 1)};
}

std::optional<std::uint16_t> family_in(const struct nlmsghdr& message, const std::string& name) {
  std::optional<std::uint16_t> id;
  bool same = false;
  for (const auto& each : attributes_in(attributes_of(message))) {
    if (each.type == CTRL_ATTR_FAMILY_NAME) same = each.text() == name;
    if (each.type == CTRL_ATTR_FAMILY_ID && each.data.size() == sizeof(std::uint16_t))
      id = static_cast<std::uint16_t>(each.u32());
  }
  return same ? id : std::nullopt;
}

Message set_tunnel(std::uint16_t family, int index, const Tunnel& tunnel) {
  Message message(family, 0, head_of(WG_CMD_SET_DEVICE, WG_GENL_VERSION));
  message.add_u32(WGDEVICE_A_IFINDEX, static_cast<std::uint32_t>(index));
  message.add(WGDEVICE_A_PRIVATE_KEY, tunnel.key.data(), tunnel.key.size());
  message.add_u16(WGDEVICE_A_LISTEN_PORT, tunnel.port);
  return message;
}

Message list_tunnel(std::uint16_t family, int index) {
  Message message(family, 0, head_of(WG_CMD_GET_DEVICE, WG_GENL_VERSION));
  message.add_u32(WGDEVICE_A_IFINDEX, static_cast<std::uint32_t>(index));
  return message;
}

void take_tunnel(const struct nlmsghdr& message, PresentTunnel& tunnel) {
  for (const auto& each : attributes_in(attributes_of(message))) {
    if (each.type == WGDEVICE_A_LISTEN_PORT) tunnel.port = static_cast<std::uint16_t>(each.u32());
    if (each.type == WGDEVICE_A_PUBLIC_KEY) tunnel.public_key = key_in(each).value_or(tunnel.public_key);
    if (each.type != WGDEVICE_A_PEERS) continue;
    for (const auto& peer : attributes_in(each.data)) take_peer(peer.data, tunnel);
  }
}

std::vector<PeerChange> peer_changes(const PresentTunnel& present, const TunnelPeers& before, const TunnelPeers& wanted,
                                     std::chrono::seconds now) {
  using Does = PeerChange::Does;
  std::vector<PeerChange> changes;
  for (const auto& [key, peer] : present.peers) {
    if (!wanted.contains(key)) changes.push_back({Does::kRemove, key});
  }
  for (const auto& [key, peer] : wanted) {
    const auto at = present.peers.find(key);
    const std::set<std::pair<IpAddress, unsigned>> allowed = {{peer.address, kWholeAddress}};
    if (at == present.peers.end() || at->second.allowed != allowed) {
      changes.push_back({Does::kSet, key, peer});
      continue;
    }
    if (at->second.endpoint == peer.endpoint && at->second.port == peer.port) continue;
    const auto earlier = before.find(key);
    const bool is_new = earlier != before.end() && earlier->second != peer;
    if (is_new || at->second.last_handshake + kHeard < now) changes.push_back({Does::kMove, key, peer});
  }
  return changes;
}

std::vector<Message> change_peers(std::uint16_t family, int index, const std::vector<PeerChange>& changes) {
  std::vector<Message> messages;
  for (std::size_t first = 0; first < changes.size(); first += kPeersAtOnce) {
    Message message(family, 0, head_of(WG_CMD_SET_DEVICE, WG_GENL_VERSION));
    message.add_u32(WGDEVICE_A_IFINDEX, static_cast<std::uint32_t>(index));
    const auto peers = message.begin(WGDEVICE_A_PEERS | NLA_F_NESTED);
    for (std::size_t i = first; i < std::min(changes.size(), first + kPeersAtOnce); ++i)
      add_change(changes[i], message);
    message.end(peers);
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace mete::runtime::network
