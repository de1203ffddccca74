// SPDX-License-Identifier: Apache-2.0
#include "config/reading/traffic_reader.h"

#include "config/model/diagnostics.h"
#include "config/reading/readers.h"
#include "config/reading/yaml/json_text.h"

namespace mete::config {
namespace {

constexpr std::int64_t kHighestPort = 65535;

std::optional<IpRange> read_block(const View& view) {
  const auto range = parse_range(view.text());
  if (range) return *range;
  view.error(mismatch(describe(view.node()), "a range of addresses such as 10.0.0.0/8"));
  return std::nullopt;
}

TrafficPeer read_peer(const View& view) {
  TrafficPeer peer;
  if (view["podSelector"]) peer.pods = read_label_selector(view["podSelector"]);
  if (view["namespaceSelector"]) peer.namespaces = read_label_selector(view["namespaceSelector"]);
  const View block = view["ipBlock"];
  if (!block) {
    if (!peer.pods && !peer.namespaces) view.error(mismatch("nothing", "podSelector, namespaceSelector or ipBlock"));
    return peer;
  }
  if (peer.pods || peer.namespaces) block.error(mismatch("ipBlock and a selector", "one of them"));
  peer.block = read_block(block["cidr"]);
  for (const auto& item : block["except"].items()) {
    const auto part = read_block(item);
    if (!part || !peer.block) continue;
    if (!contains(*peer.block, part->address) || part->length <= peer.block->length)
      item.error(mismatch(describe(item.node()), "a part of " + to_string(*peer.block)));
    peer.except.push_back(*part);
  }
  return peer;
}

TrafficPort read_traffic_port(const View& view) {
  TrafficPort port;
  port.protocol = read_enum(view["protocol"], kProtocolNames, Protocol::kTcp);
  const View own = view["port"];
  if (const auto number = own.integer()) {
    if (*number < 1 || *number > kHighestPort) own.error(mismatch(describe(own.node()), "a port from 1 to 65535"));
    port.first = static_cast<std::uint16_t>(*number);
  } else if (own) {
    port.name = own.text();
  }
  port.last = static_cast<std::uint16_t>(view["endPort"].integer().value_or(port.first));
  if (view["endPort"] && (port.first == 0 || port.last < port.first))
    view["endPort"].error(mismatch(describe(view["endPort"].node()), "a number that is not below `port`"));
  return port;
}

std::vector<TrafficRule> read_rules(const View& list, const char* peers) {
  std::vector<TrafficRule> rules;
  for (const auto& item : list.items()) {
    TrafficRule rule;
    for (const auto& peer : item[peers].items()) rule.peers.push_back(read_peer(peer));
    for (const auto& port : item["ports"].items()) rule.ports.push_back(read_traffic_port(port));
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

TrafficPolicy read_traffic_policy(const View& view) {
  TrafficPolicy policy;
  policy.location = view.location();
  policy.metadata = read_metadata(view);
  const View spec = view["spec"];
  policy.pods = read_label_selector(spec["podSelector"]);
  policy.ingress = read_rules(spec["ingress"], "from");
  policy.egress = read_rules(spec["egress"], "to");
  // Kubernetes' default: ingress always, egress where there are rules for it.
  policy.about_ingress = !spec["policyTypes"];
  policy.about_egress = !spec["policyTypes"] && !policy.egress.empty();
  for (const auto& item : spec["policyTypes"].items()) {
    if (item.text() == "Ingress") {
      policy.about_ingress = true;
    } else if (item.text() == "Egress") {
      policy.about_egress = true;
    } else {
      item.error(mismatch(describe(item.node()), "Ingress or Egress"));
    }
  }
  policy.text = json_text(view.node());
  return policy;
}

}  // namespace mete::config
