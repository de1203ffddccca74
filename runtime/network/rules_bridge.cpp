// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/rule_words.h"
#include "runtime/network/rules.h"

namespace mete::runtime::network::rule_words {
namespace {

constexpr std::uint32_t kSourceHardware = 6;  // offsets in the Ethernet header
constexpr std::uint32_t kEtherType = 12;
constexpr std::uint32_t kArpHardware = 8;  // offsets in an ARP packet
constexpr std::uint32_t kArpAddress = 14;
constexpr std::uint32_t kNeighbourTarget = 8;  // offset in an ICMPv6 neighbour message
constexpr std::uint8_t kListenerReport = 131;  // ICMPv6 types
constexpr std::uint8_t kRouterAdvertisement = 134;
constexpr std::uint8_t kNeighbourSolicitation = 135;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kRedirect = 137;
constexpr std::uint8_t kListenerReport2 = 143;

// The sender's device and hardware address: registers 0 to 5.
const Expressions kSender = {Meta{NFT_META_IIFNAME, 0}, Payload{NFT_PAYLOAD_LL_HEADER, kSourceHardware, 6, 4}};

Expressions ether_type(std::uint16_t type) {
  return {Payload{NFT_PAYLOAD_LL_HEADER, kEtherType, 2, 0}, Compare{0, true, big16(type)}};
}
Expressions icmp6(std::uint8_t type) {
  return {Meta{NFT_META_L4PROTO, 0}, Compare{0, true, byte(IPPROTO_ICMPV6)},
          Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0}, Compare{0, true, byte(type)}};
}
// The sender owns the address at this place. Registers 6 and on.
Expressions owns(const char* set, std::uint32_t base, std::uint32_t offset, std::uint32_t length, bool inverted) {
  return kSender + Expressions{Payload{base, offset, length, 6}, Lookup{set, 0, inverted, {}}};
}

}  // namespace

nft::Table bridge_table(const std::string& name) {
  nft::Table table{NFPROTO_BRIDGE, name, {}, {}, {}, {}};
  table.chains = {{"prerouting", nft::Hook{NF_INET_PRE_ROUTING, kRaw}}, {"sender", {}}, {"sender6", {}}};
  table.sets = {{kEnds, {nft::kInterface}, {}},
                {kOwners, {nft::kInterface, nft::kHardware}, {}},
                {kOwners4, {nft::kInterface, nft::kHardware, nft::kAddress4}, {}},
                {kOwners6, {nft::kInterface, nft::kHardware, nft::kAddress6}, {}}};
  const auto add = [&](const char* chain, Expressions all) { table.rules.push_back({chain, std::move(all)}); };
  // Nearly every frame, by one look-up. The same look among the other rules would be the third.
  const Expressions owned4 = ether_type(0x0800) + owns(kOwners4, NFT_PAYLOAD_NETWORK_HEADER, kSource4, 4, false);
  add("prerouting", owned4 + kAccept);
  add("prerouting", {Meta{NFT_META_IIFNAME, 0}, Lookup{kEnds, 0, false, {}}, Verdict{NFT_JUMP, "sender"}});
  // One whose pod is gone, in a namespace that somebody still holds.
  add("prerouting", Expressions{Meta{NFT_META_IIFNAME, 0}, Compare{0, true, end_prefix(name)}} + kDrop);
  add("sender", kSender + Expressions{Lookup{kOwners, 0, true, {}}} + kDrop);
  add("sender",
      ether_type(0x0806) +
          Expressions{Meta{NFT_META_IIFNAME, 0}, Payload{NFT_PAYLOAD_NETWORK_HEADER, kArpHardware, 6, 4},
                      Payload{NFT_PAYLOAD_NETWORK_HEADER, kArpAddress, 4, 6}, Lookup{kOwners4, 0, false, {}}} +
          kAccept);
  add("sender", ether_type(0x86dd) + Expressions{Verdict{NFT_JUMP, "sender6"}});
  add("sender", kDrop);
  add("sender6", icmp6(kRouterAdvertisement) + kDrop);
  add("sender6", icmp6(kRedirect) + kDrop);
  add("sender6", icmp6(kNeighbourAdvertisement) +
                     owns(kOwners6, NFT_PAYLOAD_TRANSPORT_HEADER, kNeighbourTarget, 16, true) + kDrop);
  add("sender6", owns(kOwners6, NFT_PAYLOAD_NETWORK_HEADER, kSource6, 16, false) + kAccept);
  // Before it has an address of the link: whether somebody else has it, and which groups it hears.
  for (const std::uint8_t type : {kNeighbourSolicitation, kListenerReport, kListenerReport2}) {
    add("sender6",
        icmp6(type) +
            Expressions{Payload{NFT_PAYLOAD_NETWORK_HEADER, kSource6, 16, 0}, Compare{0, true, std::string(16, '\0')}} +
            kAccept);
  }
  return table;
}

}  // namespace mete::runtime::network::rule_words
