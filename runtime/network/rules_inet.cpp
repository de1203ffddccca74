// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/rule_words.h"
#include "runtime/network/rules.h"

namespace mete::runtime::network::rule_words {
namespace {

std::vector<nft::Set> port_maps() {
  std::vector<nft::Set> maps;
  for (const bool v6 : {false, true}) {
    const nft::Field address = v6 ? nft::kAddress6 : nft::kAddress4;
    maps.push_back({ports_map(v6, true), {address, nft::kProtocol, nft::kPort}, {address, nft::kPort}});
    maps.push_back({ports_map(v6, false), {nft::kProtocol, nft::kPort}, {address, nft::kPort}});
  }
  return maps;
}

// One address first: it is the more particular.
void add_published(const std::string& chain, std::vector<nft::Rule>& rules) {
  for (const bool v6 : {false, true}) {
    const std::uint32_t size = v6 ? 16 : 4;
    for (const bool one_address : {true, false}) {
      Expressions rule = of_family(v6);
      rule = rule + Expressions{DestinationType{0}, Compare{0, true, own32(RTN_LOCAL)}};
      std::uint32_t at = 0;
      if (one_address) {
        rule.emplace_back(Payload{NFT_PAYLOAD_NETWORK_HEADER, v6 ? kDestination6 : kDestination4, size, at});
        at += size / 4;
      }
      rule.emplace_back(Meta{NFT_META_L4PROTO, at});
      rule.emplace_back(Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, at + 1});
      rule.emplace_back(Lookup{ports_map(v6, one_address), 0, false, 0});
      rule.emplace_back(DestinationNat{v6 ? std::uint32_t{NFPROTO_IPV6} : std::uint32_t{NFPROTO_IPV4}, 0, size / 4});
      rules.push_back({chain, std::move(rule)});
    }
  }
}

void add_forward(const std::string& table, const std::vector<NetworkSpec>& networks, const TableParts& parts,
                 std::vector<nft::Rule>& rules) {
  const auto add = [&](Expressions all) { rules.push_back({"forward", std::move(all)}); };
  for (const auto& range : {parts.services, parts.services6}) {
    if (range) add(from_device(networks.front().device) + without_endpoint(*range));
  }
  add_overlay_forward(table, networks, rules);
  add(with_bits(NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED)) + kAccept);
  if (parts.policies) add_traffic_rules(rules);
  // Bridged frames come by where the kernel hands them to this hook (br_netfilter).
  for (const auto& each : networks) add(from_device(each.device) + to_device(each.device) + kAccept);
  for (const auto& each : networks) {
    if (!each.internal) add(with_bits(NFT_CT_STATUS, IPS_DST_NAT) + to_device(each.device) + kAccept);
    add(to_device(each.device) + kDrop);
    if (each.internal) add(from_device(each.device) + kDrop);
  }
}

void add_masquerade(const NetworkSpec& network, std::vector<nft::Rule>& rules) {
  const auto add = [&](Expressions all) {
    all.emplace_back(Masquerade{});
    rules.push_back({"postrouting", std::move(all)});
  };
  std::vector<IpRange> ranges = {network.range};
  if (network.range6) ranges.push_back(*network.range6);
  for (const auto& range : ranges) {
    const Expressions from = of_family(range.address.v6) + in_range(range, true);
    if (!network.internal) add(from + to_device(network.device, false) + to_device("lo", false));
    // A container that reaches itself by its published port would otherwise see its own address as the peer's.
    add(from + in_range(range, false) + with_bits(NFT_CT_STATUS, IPS_DST_NAT));
  }
  add(of_family(false) + in_range(loopback4(), true) + to_device(network.device));
}

}  // namespace

nft::Table inet_table(const std::string& name, const std::vector<NetworkSpec>& networks, const TableParts& parts) {
  nft::Table table{NFPROTO_INET, name, {}, port_maps(), {}, {}};
  table.chains = {{"raw", nft::Hook{NF_INET_PRE_ROUTING, kRaw}},
                  {"loopback", {}},
                  {"prerouting", nft::Hook{NF_INET_PRE_ROUTING, kDestinationNat, "nat"}},
                  {"output", nft::Hook{NF_INET_LOCAL_OUT, kDestinationNat, "nat"}},
                  {"forward", nft::Hook{NF_INET_FORWARD, kFilter}},
                  {"postrouting", nft::Hook{NF_INET_POST_ROUTING, kSourceNat, "nat"}}};
  // The bridges accept packets for and from 127.0.0.0/8 (route_localnet), so that this machine reaches published ports
  // by its loopback. A container must not reach the machine so. Other packets pass two rules, however many networks.
  for (const bool source : {true, false})
    table.rules.push_back(
        {"raw", of_family(false) + in_range(loopback4(), source) + Expressions{Verdict{NFT_JUMP, "loopback"}}});
  for (const auto& each : networks) table.rules.push_back({"loopback", from_device(each.device) + kDrop});
  add_overlay_entry(name, networks, table.rules);
  add_overlay_output(networks, table);
  add_published("prerouting", table.rules);
  add_published("output", table.rules);
  if (parts.services) table.chains.push_back({"own", nft::Hook{NF_INET_LOCAL_OUT, kFilter}});
  for (const auto& range : {parts.services, parts.services6}) {
    if (!range) continue;
    // The default network comes first.
    add_services("prerouting", networks.front().device, *range, table.rules);
    add_services("output", {}, *range, table.rules);
    for (auto& map : service_maps(range->address.v6)) table.sets.push_back(std::move(map));
    table.rules.push_back({"own", without_endpoint(*range)});
  }
  for (auto& set : parts.policies ? traffic_sets() : std::vector<nft::Set>()) table.sets.push_back(std::move(set));
  add_forward(name, networks, parts, table.rules);
  for (const auto& each : networks) add_masquerade(each, table.rules);
  return table;
}

}  // namespace mete::runtime::network::rule_words
