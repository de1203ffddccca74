// SPDX-License-Identifier: Apache-2.0
// What keeps VXLAN to the machines: nothing in its packets says who sends them.
#include <set>

#include "runtime/network/rule_words.h"
#include "runtime/network/rules.h"
#include "runtime/network/wireguard.h"

namespace mete::runtime::network::rule_words {
namespace {

constexpr std::uint32_t kNumberOffset = 12;  // of the network, in a packet of VXLAN, from the header of UDP on
constexpr std::string_view kAnyTunnel = "mtw";

Expressions of_vxlan(std::uint16_t port) {
  return {Meta{NFT_META_L4PROTO, 0}, Compare{0, true, byte(IPPROTO_UDP)},
          Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, 0}, Compare{0, true, big16(port)}};
}

Expressions to_this_machine() {
  return {DestinationType{0}, Compare{0, true, own32(RTN_LOCAL)}};
}

std::string number_in_packets(std::uint32_t vni) {
  return byte(static_cast<std::uint8_t>(vni >> 16U)) + byte(static_cast<std::uint8_t>(vni >> 8U)) +
         byte(static_cast<std::uint8_t>(vni));
}

std::set<std::uint16_t> ports_of(const std::vector<NetworkSpec>& networks, bool encrypted) {
  std::set<std::uint16_t> ports;
  for (const auto& each : networks) {
    if (each.overlay && (!encrypted || each.overlay->encrypted)) ports.insert(each.overlay->port);
  }
  return ports;
}

}  // namespace

void add_overlay_entry(const std::string& table, const std::vector<NetworkSpec>& networks,
                       std::vector<nft::Rule>& rules) {
  const auto add = [&](Expressions all) { rules.push_back({"raw", std::move(all)}); };
  // A pod that writes such packets itself would be in every network of the machine.
  for (const auto port : ports_of(networks, false)) {
    for (const auto& each : networks) add(from_device(each.device) + of_vxlan(port) + to_this_machine() + kDrop);
  }
  const std::string tunnel = tunnel_device(table);
  for (const auto& each : networks) {
    if (!is_encrypted(each)) continue;
    add(from_device(tunnel, false) + of_vxlan(each.overlay->port) +
        Expressions{Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kNumberOffset, 3, 0},
                    Compare{0, true, number_in_packets(each.overlay->vni)}} +
        kDrop);
  }
  const auto ports = ports_of(networks, true);
  for (const auto port : ports) add(from_device(tunnel) + of_vxlan(port) + to_this_machine() + kAccept);
  if (!ports.empty()) add(from_device(tunnel) + kDrop);
}

void add_overlay_forward(const std::string& table, const std::vector<NetworkSpec>& networks,
                         std::vector<nft::Rule>& rules) {
  const auto add = [&](Expressions all) { rules.push_back({"forward", std::move(all)}); };
  for (const auto port : ports_of(networks, false)) {
    for (const auto& each : networks)
      add(from_device(each.device) + to_device(each.device, false) + of_vxlan(port) + kDrop);
  }
  if (!ports_of(networks, true).empty()) add(to_device(tunnel_device(table)) + kDrop);
}

// Where the device is down another route might lead its packets out as they are.
void add_overlay_output(const std::vector<NetworkSpec>& networks, nft::Table& table) {
  if (ports_of(networks, true).empty()) return;
  table.chains.push_back({"tunnel", nft::Hook{NF_INET_LOCAL_OUT, kRaw}});
  table.rules.push_back(
      {"tunnel", of_family(true) + in_range(kTunnelAddresses, false) +
                     Expressions{Meta{NFT_META_OIFNAME, 0}, Compare{0, false, std::string(kAnyTunnel)}} + kDrop});
}

}  // namespace mete::runtime::network::rule_words
