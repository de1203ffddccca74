// SPDX-License-Identifier: Apache-2.0
#include "runtime/network/rules.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "runtime/network/rule_words.h"

namespace mete::runtime::network {
namespace {

using namespace rule_words;

void difference(std::vector<Element> before, std::vector<Element> after, std::vector<Element>& added,
                std::vector<Element>& removed) {
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(added));
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(removed));
}

TableParts parts_of(const PodRules& rules) {
  TableParts parts;
  if (rules.services) parts.services = rules.services->range;
  if (rules.services) parts.services6 = rules.services->range6;
  parts.policies = rules.traffic.has_value();
  return parts;
}

bool same_chains(const TableParts& a, const TableParts& b) {
  return a.services == b.services && a.services6 == b.services6 && a.policies == b.policies;
}

std::vector<Element> elements_of(const std::optional<ServicePlan>& services) {
  return services ? network::elements_of(*services) : std::vector<Element>();
}

}  // namespace

EndpointElements elements_of(const Endpoint& endpoint) {
  EndpointElements all;
  if (endpoint.shared || endpoint.device.empty()) return all;
  const std::string device = nft::interface_key(endpoint.device);
  const std::string mac = bytes_of(endpoint.mac);
  all.bridge.push_back({kEnds, device, {}});
  all.bridge.push_back({kOwners, nft::fields({device, mac}), {}});
  all.bridge.push_back({kOwners4, nft::fields({device, mac, bytes_of(endpoint.address)}), {}});
  if (endpoint.address6) {
    for (const auto& each : {*endpoint.address6, link_local_of(endpoint.mac)})
      all.bridge.push_back({kOwners6, nft::fields({device, mac, bytes_of(each)}), {}});
  }
  for (const auto& port : endpoint.ports) {
    for (const bool v6 : {false, true}) {
      if (v6 && !endpoint.address6) continue;
      if (port.host_address && port.host_address->v6 != v6) continue;
      const auto& address = v6 ? *endpoint.address6 : endpoint.address;
      std::vector<std::string> key = {byte(number_of(port.protocol)), big16(port.host_port)};
      if (port.host_address) key.insert(key.begin(), bytes_of(*port.host_address));
      all.inet.push_back({ports_map(v6, port.host_address.has_value()), nft::fields(key),
                          nft::fields({bytes_of(address), big16(port.container_port)})});
    }
  }
  return all;
}

std::string table_name(const std::string& device) {
  return device == "mete0" ? "mete" : "mete-" + device;
}

Tables tables_of(const std::string& table, const std::vector<NetworkSpec>& networks, const TableParts& parts) {
  return {inet_table(table, networks, parts), bridge_table(table)};
}

std::string end_prefix(const std::string& table) {
  std::uint32_t sum = 0;
  for (const char each : table) sum = sum * 31 + static_cast<unsigned char>(each);
  char text[8];
  std::snprintf(text, sizeof text, "%s%02x", kDevicePrefix, sum & 0xFFU);
  return text;
}

std::vector<Message> replace_all(const std::string& table, const RulesPlan& plan) {
  Tables tables = tables_of(table, plan.networks, parts_of(plan.pods));
  tables.inet.elements = elements_of(plan.pods.services);
  if (plan.pods.traffic) add_traffic(*plan.pods.traffic, tables.inet);
  for (const auto& each : plan.endpoints) {
    auto elements = elements_of(each);
    std::move(elements.inet.begin(), elements.inet.end(), std::back_inserter(tables.inet.elements));
    std::move(elements.bridge.begin(), elements.bridge.end(), std::back_inserter(tables.bridge.elements));
  }
  auto all = nft::replace(tables.inet);
  auto bridge = nft::replace(tables.bridge);
  std::move(bridge.begin(), bridge.end(), std::back_inserter(all));
  return all;
}

std::vector<Message> remove_all(const std::string& table) {
  auto all = nft::remove(NFPROTO_INET, table);
  auto bridge = nft::remove(NFPROTO_BRIDGE, table);
  std::move(bridge.begin(), bridge.end(), std::back_inserter(all));
  return all;
}

std::vector<Message> change_endpoint(const std::string& table, const std::optional<Endpoint>& before,
                                     const std::optional<Endpoint>& after) {
  const EndpointElements old = before ? elements_of(*before) : EndpointElements{};
  const EndpointElements now = after ? elements_of(*after) : EndpointElements{};
  std::vector<Message> all;
  const auto add = [&](std::uint8_t family, const std::vector<Element>& from, const std::vector<Element>& to) {
    std::vector<Element> added;
    std::vector<Element> removed;
    difference(from, to, added, removed);
    auto messages =
        nft::change({family, table, {}, {}, {}, std::move(added)}, {family, table, {}, {}, {}, std::move(removed)});
    std::move(messages.begin(), messages.end(), std::back_inserter(all));
  };
  add(NFPROTO_INET, old.inet, now.inet);
  add(NFPROTO_BRIDGE, old.bridge, now.bridge);
  return all;
}

std::optional<std::vector<Message>> change_pod_rules(const std::string& table, const PodRules& before,
                                                     const PodRules& after) {
  if (!same_chains(parts_of(before), parts_of(after))) return std::nullopt;
  TrafficChange change;
  if (after.traffic) {
    auto traffic = network::difference(*before.traffic, *after.traffic);
    if (!traffic) return std::nullopt;
    change = std::move(*traffic);
  }
  if (before.services != after.services)
    difference(elements_of(before.services), elements_of(after.services), change.added.elements,
               change.removed.elements);
  for (auto* const each : {&change.added, &change.removed}) {
    each->family = NFPROTO_INET;
    each->name = table;
  }
  return nft::change(change.added, change.removed);
}

}  // namespace mete::runtime::network
