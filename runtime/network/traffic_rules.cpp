// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/traffic_rules.h"

#include <algorithm>

#include "runtime/network/rule_words.h"

namespace mete::runtime::network {
namespace {

using namespace rule_words;

bool overlap(const Span& a, const Span& b) {
  return a.first <= b.last && b.first <= a.last;
}

// What of `from` is not in `cut`, as boxes.
std::vector<AllowedTraffic> without(AllowedTraffic from, const AllowedTraffic& cut) {
  constexpr Span AllowedTraffic::*kSides[] = {&AllowedTraffic::peers, &AllowedTraffic::protocols,
                                              &AllowedTraffic::ports};
  for (const auto side : kSides) {
    if (!overlap(from.*side, cut.*side)) return {from};
  }
  std::vector<AllowedTraffic> rest;
  for (const auto side : kSides) {
    for (const auto& outside : minus(from.*side, {cut.*side})) {
      rest.push_back(from);
      rest.back().*side = outside;
    }
    from.*side = {std::max((from.*side).first, (cut.*side).first), std::min((from.*side).last, (cut.*side).last)};
  }
  return rest;
}

std::string big32(std::uint32_t value) {
  return big16(static_cast<std::uint16_t>(value >> 16U)) + big16(static_cast<std::uint16_t>(value & 0xFFFFU));
}

// A corner of a box.
std::string key_of(const IpAddress& pod, std::uint32_t peer, std::uint32_t protocol, std::uint32_t port) {
  return nft::fields(
      {bytes_of(pod), big32(peer), byte(static_cast<std::uint8_t>(protocol)), big16(static_cast<std::uint16_t>(port))});
}

void add_direction(const ClosedPod& pod, bool ingress, std::vector<Element>& to) {
  const auto& allowed = ingress ? pod.ingress : pod.egress;
  if (!allowed) return;
  to.push_back({closed_set(ingress, false), bytes_of(pod.address), {}, {}});
  if (pod.address6) to.push_back({closed_set(ingress, true), bytes_of(*pod.address6), {}, {}});
  for (const auto& each : disjoint(*allowed)) {
    to.push_back({allowed_set(ingress),
                  key_of(pod.address, each.peers.first, each.protocols.first, each.ports.first),
                  {},
                  key_of(pod.address, each.peers.last, each.protocols.last, each.ports.last)});
  }
}

}  // namespace

namespace rule_words {

std::string closed_set(bool ingress, bool v6) {
  return std::string(ingress ? "closed-in" : "closed-out") + (v6 ? "6" : "4");
}
std::string allowed_set(bool ingress) {
  return ingress ? "allowed-in" : "allowed-out";
}

std::vector<nft::Set> traffic_sets() {
  std::vector<nft::Set> sets;
  for (const bool ingress : {true, false}) {
    for (const bool v6 : {false, true})
      sets.push_back({closed_set(ingress, v6), {v6 ? nft::kAddress6 : nft::kAddress4}, {}, false});
    sets.push_back({allowed_set(ingress), {nft::kAddress4, nft::kAddress4, nft::kProtocol, nft::kPort}, {}, true});
  }
  return sets;
}

std::vector<nft::Chain> traffic_chains() {
  return {{"egress", {}}, {"ingress", {}}};
}

void add_traffic(std::vector<nft::Rule>& rules) {
  for (const bool ingress : {false, true}) {
    const char* const chain = ingress ? "ingress" : "egress";
    const std::uint32_t own = ingress ? kDestination4 : kSource4;
    const std::uint32_t peer = ingress ? kSource4 : kDestination4;
    rules.push_back({"forward", of_family(false) + Expressions{Payload{NFT_PAYLOAD_NETWORK_HEADER, own, 4, 0},
                                                               Lookup{closed_set(ingress, false), 0, false, {}},
                                                               Verdict{NFT_JUMP, chain}}});
    rules.push_back(
        {"forward", of_family(true) +
                        Expressions{Payload{NFT_PAYLOAD_NETWORK_HEADER, ingress ? kDestination6 : kSource6, 16, 0},
                                    Lookup{closed_set(ingress, true), 0, false, {}}} +
                        kDrop});
    rules.push_back({chain,
                     {Payload{NFT_PAYLOAD_NETWORK_HEADER, own, 4, 0}, Payload{NFT_PAYLOAD_NETWORK_HEADER, peer, 4, 1},
                      Meta{NFT_META_L4PROTO, 2}, Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, 3},
                      Lookup{allowed_set(ingress), 0, false, {}}, Verdict{NFT_RETURN, {}}}});
    rules.push_back({chain, kDrop});
  }
}

}  // namespace rule_words

std::uint32_t number_of(const IpAddress& v4) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8U | v4.bytes[i];
  return number;
}

Span span_of(const IpRange& v4) {
  const std::uint32_t first = number_of(v4.address);
  const std::uint64_t count = std::uint64_t{1} << v4.host_bits();
  return {first, static_cast<std::uint32_t>(first + count - 1)};
}

std::vector<Span> minus(const Span& whole, const std::vector<Span>& without) {
  std::vector<Span> rest = {whole};
  for (const auto& cut : without) {
    std::vector<Span> next;
    for (const auto& each : rest) {
      if (!overlap(each, cut)) {
        next.push_back(each);
        continue;
      }
      if (each.first < cut.first) next.push_back({each.first, cut.first - 1});
      if (each.last > cut.last) next.push_back({cut.last + 1, each.last});
    }
    rest = std::move(next);
  }
  return rest;
}

std::vector<AllowedTraffic> disjoint(const std::vector<AllowedTraffic>& all) {
  std::vector<AllowedTraffic> out;
  for (const auto& box : all) {
    std::vector<AllowedTraffic> pieces = {box};
    for (const auto& taken : out) {
      std::vector<AllowedTraffic> next;
      for (const auto& piece : pieces) {
        const auto rest = without(piece, taken);
        next.insert(next.end(), rest.begin(), rest.end());
      }
      pieces = std::move(next);
    }
    out.insert(out.end(), pieces.begin(), pieces.end());
  }
  return out;
}

std::vector<nft::Element> elements_of(const TrafficPlan& plan) {
  std::vector<nft::Element> all;
  for (const auto& pod : plan.pods) {
    add_direction(pod, true, all);
    add_direction(pod, false, all);
  }
  return all;
}

}  // namespace mete::runtime::network
