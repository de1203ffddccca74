// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/traffic_rules.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "runtime/network/rule_words.h"

namespace mete::runtime::network {
namespace {

using namespace rule_words;

constexpr std::uint16_t kLastPort = 65535;
constexpr std::uint8_t kSolicitation = 135;  // ICMPv6 types
constexpr std::uint8_t kAdvertisement = 136;

std::string closed_map(bool ingress, bool v6) {
  return std::string(ingress ? "closed-in" : "closed-out") + (v6 ? "6" : "4");
}
std::string numbered(const char* what, std::uint32_t number) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", number);
  return what + std::string(text);
}
std::string chain_name(bool ingress, std::uint32_t number) {
  return numbered(ingress ? "in-" : "out-", number);
}
std::string peer_set(std::uint32_t number, bool v6) {
  return numbered("peers-", number) + (v6 ? "-6" : "-4");
}

Expressions load_address(bool source, bool v6) {
  const std::uint32_t offset = v6 ? (source ? kSource6 : kDestination6) : (source ? kSource4 : kDestination4);
  return {Payload{NFT_PAYLOAD_NETWORK_HEADER, offset, v6 ? 16U : 4U, 0}};
}

// Whether it is to a port that is allowed.
Expressions to_port(const AllowedTraffic& allowed) {
  if (!allowed.protocol) return {};
  Expressions all = {Meta{NFT_META_L4PROTO, 0}, Compare{0, true, byte(number_of(*allowed.protocol))}};
  if (allowed.first == 0 && allowed.last == kLastPort) return all;
  all.emplace_back(Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, 0});
  if (allowed.first == allowed.last) {
    all.emplace_back(Compare{0, true, big16(allowed.first)});
  } else {
    all.emplace_back(Between{0, big16(allowed.first), big16(allowed.last)});
  }
  return all;
}

Expressions of_members(const PeerSet& peers, std::uint32_t number, bool ingress, bool v6) {
  Expressions all = of_family(v6) + load_address(ingress, v6);
  if (peers.with_ports) {
    const std::uint32_t at = v6 ? 4 : 1;
    all.emplace_back(Meta{NFT_META_L4PROTO, at});
    all.emplace_back(Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, at + 1});
  }
  all.emplace_back(Lookup{peer_set(number, v6), 0, false, {}});
  return all;
}

Expressions of_block(const AllowedTraffic& allowed, bool ingress) {
  const bool v6 = allowed.block->address.v6;
  Expressions all = of_family(v6);
  if (allowed.block->length != 0) all = all + in_range(*allowed.block, ingress);
  for (const auto& each : allowed.except) {
    all = all + load_address(ingress, v6);
    all.emplace_back(Mask{0, mask_of(each)});
    all.emplace_back(Compare{0, false, bytes_of(each.address)});
  }
  return all;
}

// The rules of a chain: what is allowed goes on to the rules of networks, everything else ends.
void add_chain(const TrafficPlan& plan, bool ingress, std::uint32_t number, nft::Table& to) {
  const auto& direction = ingress ? plan.ingress : plan.egress;
  const std::string name = chain_name(ingress, number);
  to.chains.push_back({name, {}});
  const auto add = [&](Expressions all, const AllowedTraffic& allowed) {
    all = std::move(all) + to_port(allowed);
    all.emplace_back(Verdict{NFT_RETURN, {}});
    to.rules.push_back({name, std::move(all)});
  };
  for (const auto& allowed : direction.chains.at(number)) {
    if (allowed.peers) {
      for (const bool v6 : {false, true})
        add(of_members(plan.peers.at(*allowed.peers), *allowed.peers, ingress, v6), allowed);
    } else {
      add(allowed.block ? of_block(allowed, ingress) : Expressions{}, allowed);
    }
  }
  to.rules.push_back({name, kDrop});
}

void add_peer_sets(std::uint32_t number, bool with_ports, nft::Table& to) {
  for (const bool v6 : {false, true}) {
    nft::Set set{peer_set(number, v6), {v6 ? nft::kAddress6 : nft::kAddress4}, {}};
    if (with_ports) set.key.insert(set.key.end(), {nft::kProtocol, nft::kPort});
    to.sets.push_back(std::move(set));
  }
}

Element element_of(std::uint32_t number, bool with_ports, const PeerMember& member) {
  std::vector<std::string> key = {bytes_of(member.address)};
  if (with_ports) key.insert(key.end(), {byte(number_of(member.protocol)), big16(member.port)});
  return {peer_set(number, member.address.v6), nft::fields(key), {}};
}

using Closed = std::pair<const IpAddress, std::uint32_t>;

Element element_of(bool ingress, const Closed& closed) {
  return {closed_map(ingress, closed.first.v6), bytes_of(closed.first), {}, chain_name(ingress, closed.second)};
}

// What the second has and the first has not.
template <class Range, class Take>
void each_new(const Range& before, const Range& after, Take take) {
  std::vector<typename Range::value_type> found;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(found));
  for (const auto& each : found) take(each);
}

// What `after` has and `before` has not. False: a number stands for something else.
bool add_new(const TrafficPlan& before, const TrafficPlan& after, nft::Table& to) {
  for (const auto& peer : after.peers) {
    const auto number = peer.first;  // names that a lambda may hold: clang 14 has none for structured bindings
    const auto& set = peer.second;
    const auto old = before.peers.find(number);
    if (old != before.peers.end() && old->second.with_ports != set.with_ports) return false;
    const std::vector<PeerMember> none;
    if (old == before.peers.end()) add_peer_sets(number, set.with_ports, to);
    each_new(old == before.peers.end() ? none : old->second.members, set.members,
             [&](const auto& member) { to.elements.push_back(element_of(number, set.with_ports, member)); });
  }
  for (const bool ingress : {true, false}) {
    const auto& old = ingress ? before.ingress : before.egress;
    const auto& now = ingress ? after.ingress : after.egress;
    for (const auto& [number, allowed] : now.chains) {
      const auto same = old.chains.find(number);
      if (same != old.chains.end() && same->second != allowed) return false;
      if (same == old.chains.end()) add_chain(after, ingress, number, to);
    }
    each_new(old.closed, now.closed, [&](const Closed& closed) { to.elements.push_back(element_of(ingress, closed)); });
  }
  return true;
}

// Elements of a set that goes go with it.
void forget_elements(nft::Table& removed) {
  std::erase_if(removed.elements, [&](const Element& element) {
    return std::any_of(removed.sets.begin(), removed.sets.end(),
                       [&](const nft::Set& set) { return set.name == element.set; });
  });
}

}  // namespace

namespace rule_words {

std::vector<nft::Set> traffic_sets() {
  std::vector<nft::Set> sets;
  for (const bool ingress : {true, false}) {
    for (const bool v6 : {false, true}) {
      nft::Set closed{closed_map(ingress, v6), {v6 ? nft::kAddress6 : nft::kAddress4}, {}};
      closed.verdicts = true;
      sets.push_back(std::move(closed));
    }
  }
  return sets;
}

void add_traffic_rules(std::vector<nft::Rule>& rules) {
  // Who has which hardware address on a bridge: without an answer nothing that is allowed would arrive.
  for (const std::uint8_t type : {kSolicitation, kAdvertisement}) {
    rules.push_back(
        {"forward", Expressions{Meta{NFT_META_L4PROTO, 0}, Compare{0, true, byte(IPPROTO_ICMPV6)},
                                Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, 0}, Compare{0, true, byte(type)}} +
                        kAccept});
  }
  for (const bool ingress : {false, true}) {
    for (const bool v6 : {false, true})
      rules.push_back(
          {"forward", of_family(v6) + load_address(!ingress, v6) + Expressions{Dispatch{closed_map(ingress, v6), 0}}});
  }
}

}  // namespace rule_words

void add_traffic(const TrafficPlan& plan, nft::Table& to) {
  (void)add_new({}, plan, to);
}

std::optional<TrafficChange> difference(const TrafficPlan& before, const TrafficPlan& after) {
  TrafficChange change;
  if (!add_new(before, after, change.added) || !add_new(after, before, change.removed)) return std::nullopt;
  forget_elements(change.removed);
  return change;
}

}  // namespace mete::runtime::network
