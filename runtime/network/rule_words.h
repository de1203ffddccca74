// SPDX-License-Identifier: Apache-2.0
// Words of which the rules of mete's two tables are made. Internal to rules*.cpp. Pure.
#pragma once

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

#include <string>
#include <vector>

#include "runtime/network/network_spec.h"
#include "runtime/network/nft_rules.h"

namespace mete::runtime::network {
struct TableParts;
}

namespace mete::runtime::network::rule_words {

using nft::Between;
using nft::Compare;
using nft::Conntrack;
using nft::Count;
using nft::DestinationNat;
using nft::DestinationType;
using nft::Dispatch;
using nft::Element;
using nft::Expression;
using nft::Hash;
using nft::Lookup;
using nft::Mask;
using nft::Masquerade;
using nft::Meta;
using nft::Payload;
using nft::Random;
using nft::Reject;
using nft::Verdict;

inline constexpr std::uint32_t kSource4 = 12;  // offsets in the IPv4 header
inline constexpr std::uint32_t kDestination4 = 16;
inline constexpr std::uint32_t kSource6 = 8;
inline constexpr std::uint32_t kDestination6 = 24;
inline constexpr std::uint32_t kPortOffset = 2;  // the destination's, of TCP, UDP and SCTP alike

// Priorities of hooks (include/uapi/linux/netfilter_ipv4.h).
inline constexpr std::int32_t kRaw = -300;
inline constexpr std::int32_t kDestinationNat = -100;
inline constexpr std::int32_t kFilter = 0;
inline constexpr std::int32_t kSourceNat = 100;

inline std::string byte(std::uint8_t value) {
  return std::string(1, static_cast<char>(value));
}
inline std::string big16(std::uint16_t value) {
  const std::uint16_t big = htons(value);
  return {static_cast<const char*>(static_cast<const void*>(&big)), sizeof big};
}
// What the kernel loads as a number of its own.
inline std::string own32(std::uint32_t value) {
  return {static_cast<const char*>(static_cast<const void*>(&value)), sizeof value};
}
inline std::string bytes_of(const IpAddress& address) {
  return {static_cast<const char*>(static_cast<const void*>(address.bytes.data())), address.size()};
}
inline std::string bytes_of(const MacAddress& mac) {
  return {static_cast<const char*>(static_cast<const void*>(mac.data())), mac.size()};
}
inline std::uint8_t number_of(config::Protocol protocol) {
  switch (protocol) {
    case config::Protocol::kUdp:
      return IPPROTO_UDP;
    case config::Protocol::kSctp:
      return IPPROTO_SCTP;
    case config::Protocol::kTcp:
      break;
  }
  return IPPROTO_TCP;
}
inline std::string mask_of(const IpRange& range) {
  std::string mask(range.address.size(), '\0');
  for (unsigned bit = 0; bit < range.length; ++bit)
    mask[bit / 8] = static_cast<char>(static_cast<std::uint8_t>(mask[bit / 8]) | 0x80U >> bit % 8);
  return mask;
}

using Expressions = std::vector<Expression>;

inline Expressions operator+(Expressions a, const Expressions& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Expressions of_family(bool v6) {
  return {Meta{NFT_META_NFPROTO, 0},
          Compare{0, true, byte(v6 ? std::uint8_t{NFPROTO_IPV6} : std::uint8_t{NFPROTO_IPV4})}};
}
inline Expressions from_device(const std::string& name, bool equal = true) {
  return {Meta{NFT_META_IIFNAME, 0}, Compare{0, equal, nft::interface_key(name)}};
}
inline Expressions to_device(const std::string& name, bool equal = true) {
  return {Meta{NFT_META_OIFNAME, 0}, Compare{0, equal, nft::interface_key(name)}};
}
inline Expressions in_range(const IpRange& range, bool source) {
  const bool v6 = range.address.v6;
  const std::uint32_t offset = v6 ? (source ? kSource6 : kDestination6) : (source ? kSource4 : kDestination4);
  return {Payload{NFT_PAYLOAD_NETWORK_HEADER, offset, static_cast<std::uint32_t>(range.address.size()), 0},
          Mask{0, mask_of(range)}, Compare{0, true, bytes_of(range.address)}};
}
inline Expressions with_bits(std::uint32_t key, std::uint32_t bits) {
  return {Conntrack{key, 0}, Mask{0, own32(bits)}, Compare{0, false, own32(0)}};
}
inline const Expressions kDrop = {Count{}, Verdict{NF_DROP, {}}};
inline const Expressions kAccept = {Verdict{NF_ACCEPT, {}}};

inline IpRange loopback4() {
  return {{false, {127, 0, 0, 0}}, 8};
}

// Names of sets and maps.
[[nodiscard]] inline std::string ports_map(bool v6, bool one_address) {
  return std::string(v6 ? "ports6" : "ports4") + (one_address ? "-at" : "");
}
inline constexpr const char* kEnds = "ends";
inline constexpr const char* kOwners = "owners";
inline constexpr const char* kOwners4 = "owners4";
inline constexpr const char* kOwners6 = "owners6";

// service_rules.cpp: the maps; the rules of a chain that lead to pods, of packets from `device` (empty: from this
// machine); the rule that ends what has led nowhere.
[[nodiscard]] std::vector<nft::Set> service_maps(bool v6);
void add_services(const std::string& chain, const std::string& device, const IpRange& range,
                  std::vector<nft::Rule>& rules);
[[nodiscard]] Expressions without_endpoint(const IpRange& range);

// traffic_rules.cpp: maps and rules that NetworkPolicies need whatever they say.
[[nodiscard]] std::vector<nft::Set> traffic_sets();
void add_traffic_rules(std::vector<nft::Rule>& rules);

// rules_overlay.cpp: of networks over several machines; without any they add nothing. Chains raw, forward and one of
// their own at output.
void add_overlay_entry(const std::string& table, const std::vector<NetworkSpec>& networks,
                       std::vector<nft::Rule>& rules);
void add_overlay_forward(const std::string& table, const std::vector<NetworkSpec>& networks,
                         std::vector<nft::Rule>& rules);
void add_overlay_output(const std::vector<NetworkSpec>& networks, nft::Table& table);

// rules_inet.cpp and rules_bridge.cpp.
[[nodiscard]] nft::Table inet_table(const std::string& name, const std::vector<NetworkSpec>& networks,
                                    const TableParts& parts);
[[nodiscard]] nft::Table bridge_table(const std::string& name);

}  // namespace mete::runtime::network::rule_words
