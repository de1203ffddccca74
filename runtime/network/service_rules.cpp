// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/service_rules.h"

#include <algorithm>

#include "runtime/network/rule_words.h"

namespace mete::runtime::network {
namespace {

using namespace rule_words;

// Of a Service's address, and of this machine's ports.
std::string service_map(bool v6, bool node, bool by_client) {
  return std::string(node ? "nodes" : "services") + (v6 ? "6" : "4") + (by_client ? "-by-client" : "");
}

// FNV-1a, stirred once more: the addresses of endpoints differ in a few bits.
std::uint64_t weight(std::uint32_t place, const ServiceEndpoint& endpoint) {
  constexpr std::uint64_t kPrime = 1099511628211ULL;
  std::uint64_t hash = 14695981039346656037ULL;
  const auto add = [&](std::uint8_t byte) { hash = (hash ^ byte) * kPrime; };
  for (const auto each : endpoint.address.bytes) add(each);
  add(static_cast<std::uint8_t>(endpoint.port >> 8U));
  add(static_cast<std::uint8_t>(endpoint.port & 0xFFU));
  add(static_cast<std::uint8_t>(place));
  hash ^= hash >> 33U;
  hash *= 0xff51afd7ed558ccdULL;
  return hash ^ hash >> 33U;
}

}  // namespace

namespace rule_words {

std::vector<nft::Set> service_maps(bool v6) {
  std::vector<nft::Set> maps;
  const nft::Field address = v6 ? nft::kAddress6 : nft::kAddress4;
  const std::vector<nft::Field> to = {address, nft::kPort};
  for (const bool by_client : {false, true}) {
    maps.push_back({service_map(v6, false, by_client), {address, nft::kProtocol, nft::kPort, nft::kMark}, to});
    maps.push_back({service_map(v6, true, by_client), {nft::kProtocol, nft::kPort, nft::kMark}, to});
  }
  return maps;
}

void add_services(const std::string& chain, const std::string& device, const IpRange& range,
                  std::vector<nft::Rule>& rules) {
  const bool v6 = range.address.v6;
  const std::uint32_t size = v6 ? 16 : 4;
  for (const bool node : {false, true}) {
    for (const bool by_client : {false, true}) {
      Expressions rule = of_family(v6);
      if (node) {
        rule = rule + Expressions{DestinationType{0}, Compare{0, true, own32(RTN_LOCAL)}};
      } else {
        if (!device.empty()) rule = rule + from_device(device);
        rule = rule + in_range(range, false);
      }
      // The registers: address (of a Service alone), protocol, port, place; behind them the client's address.
      std::uint32_t at = 0;
      if (!node) {
        rule.emplace_back(Payload{NFT_PAYLOAD_NETWORK_HEADER, v6 ? kDestination6 : kDestination4, size, 0});
        at = size / 4;
      }
      rule.emplace_back(Meta{NFT_META_L4PROTO, at});
      rule.emplace_back(Payload{NFT_PAYLOAD_TRANSPORT_HEADER, kPortOffset, 2, at + 1});
      if (by_client) {
        rule.emplace_back(Payload{NFT_PAYLOAD_NETWORK_HEADER, v6 ? kSource6 : kSource4, size, at + 3});
        rule.emplace_back(Hash{at + 3, size, kSlots, at + 2});
      } else {
        rule.emplace_back(Random{kSlots, at + 2});
      }
      rule.emplace_back(Lookup{service_map(v6, node, by_client), 0, false, 0});
      rule.emplace_back(DestinationNat{v6 ? std::uint32_t{NFPROTO_IPV6} : std::uint32_t{NFPROTO_IPV4}, 0, size / 4});
      rules.push_back({chain, std::move(rule)});
    }
  }
}

Expressions without_endpoint(const IpRange& range) {
  return of_family(range.address.v6) + in_range(range, false) + Expressions{Count{}, Reject{}};
}

}  // namespace rule_words

std::vector<ServiceEndpoint> places_of(const ServedPort& port) {
  std::vector<ServiceEndpoint> sorted = port.endpoints;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<ServiceEndpoint> places;
  for (std::uint32_t place = 0; place < kSlots && !sorted.empty(); ++place) {
    const auto heavier = [&](const auto& a, const auto& b) { return weight(place, a) < weight(place, b); };
    places.push_back(port.by_client ? *std::max_element(sorted.begin(), sorted.end(), heavier)
                                    : sorted[place % sorted.size()]);
  }
  return places;
}

std::vector<nft::Element> elements_of(const ServicePlan& plan) {
  std::vector<nft::Element> all;
  for (const auto& port : plan.ports) {
    const auto places = places_of(port);
    const std::string protocol = byte(number_of(port.protocol));
    for (std::uint32_t place = 0; place < places.size(); ++place) {
      const std::string value = nft::fields({bytes_of(places[place].address), big16(places[place].port)});
      const bool v6 = port.address.v6;
      all.push_back({service_map(v6, false, port.by_client),
                     nft::fields({bytes_of(port.address), protocol, big16(port.port), own32(place)}), value});
      if (port.node_port != 0)
        all.push_back({service_map(v6, true, port.by_client),
                       nft::fields({protocol, big16(port.node_port), own32(place)}), value});
    }
  }
  return all;
}

}  // namespace mete::runtime::network
