// SPDX-License-Identifier: Apache-2.0
// What machines tell each other of networks that they share, as keys and values of etcd. Pure; what others have written
// is not trusted. Below the prefix of agent.yaml:
//
//   networks/NAME           a network: number, addresses, MTU; stays until somebody removes it
//   vnis/NUMBER             the name of the network that has this number
//   members/NAME/ADDRESS    a pod: names, hardware address, machine; has the lease of its machine
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/etcd/messages.h"
#include "runtime/network/vxlan.h"
#include "runtime/network/wireguard.h"

namespace mete::agent {

struct OverlayNetwork {
  std::string name;
  std::uint32_t vni = 0;
  config::IpRange range;
  std::optional<config::IpRange> range6;
  std::uint32_t mtu = 0;
  bool internal = false;
  bool between_containers = true;
  std::vector<std::pair<std::string, std::string>> labels;
  bool encrypted = false;
  bool operator==(const OverlayNetwork&) const = default;
};

// A machine that encrypts what it sends to others (WireGuard).
struct OverlayHost {
  std::string host;           // the word that no other machine has
  config::IpAddress address;  // where it is sent to
  std::uint16_t port = 0;     // UDP
  runtime::network::TunnelKey public_key{};
  bool operator==(const OverlayHost&) const = default;
};

struct OverlayMember {
  std::string network;
  config::IpAddress address;
  std::optional<config::IpAddress> address6;
  runtime::network::MacAddress mac{};
  std::string host;                // that it is on: a word that no other machine has
  config::IpAddress vtep;          // and its address
  std::vector<std::string> names;  // by which it is found; the first is NAMESPACE/POD
  bool operator==(const OverlayMember&) const = default;
};

struct OverlayRecords {
  std::map<std::string, OverlayNetwork> networks;
  using Place = std::pair<std::string, config::IpAddress>;  // network and address
  std::map<Place, OverlayMember> members;
  std::map<std::string, OverlayHost> hosts;  // by their words
  bool operator==(const OverlayRecords&) const = default;
};

// What has to be in etcd of one machine: its pods, the networks that they are in, and its key.
struct OwnRecords {
  std::vector<OverlayNetwork> networks;
  std::vector<OverlayMember> members;
  std::optional<OverlayHost> host = {};
};

[[nodiscard]] std::string network_key(const std::string& prefix, const std::string& name);
[[nodiscard]] std::string number_key(const std::string& prefix, std::uint32_t vni);
[[nodiscard]] std::string members_key(const std::string& prefix, const std::string& network);  // of all of them
[[nodiscard]] std::string host_key(const std::string& prefix, const std::string& host);
[[nodiscard]] std::string member_key(const std::string& prefix, const OverlayRecords::Place& place);

[[nodiscard]] std::string to_json(const OverlayNetwork& network);
[[nodiscard]] std::string to_json(const OverlayMember& member);
[[nodiscard]] std::string to_json(const OverlayHost& host);
// The value of a key. The error: it is not what its key says.
[[nodiscard]] Result<OverlayNetwork> parse_overlay_network(const std::string& name, const std::string& json);
[[nodiscard]] Result<OverlayMember> parse_overlay_member(const OverlayRecords::Place& place, const std::string& json);
[[nodiscard]] Result<OverlayHost> parse_overlay_host(const std::string& host, const std::string& json);

// Changes the records as etcd has been changed. The error: the value is unreadable; what it stands for is left out.
[[nodiscard]] Status apply(const std::string& prefix, const etcd::Change& change, OverlayRecords& records);

// Numbers of our own beginning: docker's networks on the same machines begin at 4096.
inline constexpr std::uint32_t kFirstVni = 0x6d0000;
inline constexpr std::uint32_t kLastVni = 0xffffff;
// The first number that no network has, from `from` on. Empty: all are taken.
[[nodiscard]] std::optional<std::uint32_t> next_vni(const OverlayRecords& records, std::uint32_t from = kFirstVni);

// All other machines that encrypt, by their keys. One with a key that another machine has, too, is left out, as
// WireGuard knows machines by their keys. `own`: this machine's.
[[nodiscard]] runtime::network::TunnelPeers tunnel_peers(const OverlayRecords& records, const OverlayHost& own);
// Machines that have pods in the encrypted network and cannot be reached, and why: they are sent nothing.
struct Unreached {
  std::string host;
  config::IpAddress address;
  std::string why;
};
[[nodiscard]] std::vector<Unreached> unreached_machines(const OverlayRecords& records, const std::string& network,
                                                        const OverlayHost& own);

// What this machine has to know of the pods of all others in the network. Of an encrypted one machines are known by
// their addresses in the tunnel, and those without a key not at all.
[[nodiscard]] runtime::network::RemoteEntries remote_entries(const OverlayRecords& records, const std::string& network,
                                                             const std::string& own_host);
// Members of the network on other machines.
[[nodiscard]] std::vector<OverlayMember> members_elsewhere(const OverlayRecords& records, const std::string& network,
                                                           const std::string& own_host);
// Those of them that are called so.
[[nodiscard]] std::vector<OverlayMember> members_called(const OverlayRecords& records, const std::string& network,
                                                        const std::string& own_host, const std::string& name);

}  // namespace mete::agent
