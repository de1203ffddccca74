// SPDX-License-Identifier: Apache-2.0
#include "agent/services/traffic_plan.h"

#include <netinet/in.h>

#include <algorithm>

namespace mete::agent {
namespace {

using config::Selector;
using config::TrafficPeer;
using config::TrafficPolicy;
using config::TrafficPort;
using config::TrafficRule;
using runtime::network::AllowedTraffic;
using runtime::network::Span;

// As everywhere in Kubernetes but not in a mete Policy, a selector that says nothing selects all.
bool selects(const Selector& selector, const std::map<std::string, std::string>& labels) {
  return (selector.match_labels.empty() && selector.match_expressions.empty()) || config::matches(selector, labels);
}

std::uint32_t protocol_number(config::Protocol protocol) {
  return protocol == config::Protocol::kUdp    ? IPPROTO_UDP
         : protocol == config::Protocol::kSctp ? IPPROTO_SCTP
                                               : IPPROTO_TCP;
}

// The pods that a peer names; none of a block of addresses.
std::vector<const TrafficPod*> pods_of(const TrafficPeer& peer, const std::string& space,
                                       const std::vector<TrafficPod>& pods) {
  std::vector<const TrafficPod*> all;
  for (const auto& pod : pods) {
    const bool in_namespace =
        peer.namespaces ? selects(*peer.namespaces, {{"kubernetes.io/metadata.name", pod.space}}) : pod.space == space;
    if (in_namespace && (!peer.pods || selects(*peer.pods, pod.labels))) all.push_back(&pod);
  }
  return all;
}

// Where the ports of a rule are on `target`, the pod that is connected to; null: it is no pod, and has no names.
void add_ports(const TrafficRule& rule, const Span& peers, const TrafficPod* target, std::vector<AllowedTraffic>& to) {
  if (rule.ports.empty()) to.push_back({.peers = peers});
  for (const auto& port : rule.ports) {
    const std::uint32_t protocol = protocol_number(port.protocol);
    AllowedTraffic allowed{peers, {protocol, protocol}, {0, 65535}};
    if (port.name.empty()) {
      if (port.first != 0) allowed.ports = {port.first, port.last};
      to.push_back(allowed);
      continue;
    }
    for (const auto& each : target == nullptr ? std::vector<config::ContainerPort>() : target->ports) {
      if (each.name != port.name || each.protocol != port.protocol) continue;
      allowed.ports = {each.container_port, each.container_port};
      to.push_back(allowed);
    }
  }
}

Span span_of_pod(const TrafficPod& pod) {
  const std::uint32_t number = runtime::network::number_of(pod.address);
  return {number, number};
}

// Whom a rule is about: addresses, and the pods among them.
struct Peers {
  std::vector<Span> spans;
  std::vector<const TrafficPod*> pods;
};

// Addresses side by side are one span: pods get them in turn, and the sets stay small.
std::vector<Span> merged(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end());
  std::vector<Span> all;
  for (const auto& each : spans) {
    if (!all.empty() && (each.first <= all.back().last || each.first == all.back().last + 1)) {
      all.back().last = std::max(all.back().last, each.last);
    } else {
      all.push_back(each);
    }
  }
  return all;
}

Peers peers_of(const TrafficRule& rule, const std::string& space, const std::vector<TrafficPod>& pods) {
  Peers peers;
  if (rule.peers.empty()) {
    peers.spans = {{0, 0xFFFFFFFFU}};
    for (const auto& pod : pods) peers.pods.push_back(&pod);
    return peers;
  }
  for (const auto& peer : rule.peers) {
    if (peer.block) {
      std::vector<Span> except;
      for (const auto& each : peer.except) except.push_back(runtime::network::span_of(each));
      const auto parts = runtime::network::minus(runtime::network::span_of(*peer.block), except);
      peers.spans.insert(peers.spans.end(), parts.begin(), parts.end());
      continue;
    }
    for (const auto* pod : pods_of(peer, space, pods)) {
      peers.spans.push_back(span_of_pod(*pod));
      peers.pods.push_back(pod);
    }
  }
  peers.spans = merged(std::move(peers.spans));
  return peers;
}

// What the rule allows the pods that are selected to connect to: the same for each of them.
std::vector<AllowedTraffic> egress_of(const TrafficRule& rule, const Peers& peers) {
  std::vector<AllowedTraffic> all;
  for (const auto& span : peers.spans) add_ports(rule, span, nullptr, all);
  // Names of ports are each pod's own.
  TrafficRule named = rule;
  std::erase_if(named.ports, [](const TrafficPort& port) { return port.name.empty(); });
  if (named.ports.empty()) return all;
  for (const auto* pod : peers.pods) add_ports(named, span_of_pod(*pod), pod, all);
  return all;
}

using Allowed = std::optional<std::vector<AllowedTraffic>>;

void add_policy(const TrafficPolicy& policy, const std::vector<TrafficPod>& pods, std::vector<Allowed>& ingress,
                std::vector<Allowed>& egress) {
  const std::string& space = policy.metadata.namespace_;
  std::vector<std::size_t> selected;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (pods[i].space == space && selects(policy.pods, pods[i].labels)) selected.push_back(i);
  }
  for (const auto i : selected) {
    if (policy.about_ingress && !ingress[i]) ingress[i].emplace();
    if (policy.about_egress && !egress[i]) egress[i].emplace();
  }
  if (selected.empty()) return;
  for (const auto& rule : policy.about_ingress ? policy.ingress : std::vector<TrafficRule>()) {
    const Peers peers = peers_of(rule, space, pods);
    for (const auto i : selected) {
      for (const auto& span : peers.spans) add_ports(rule, span, &pods[i], *ingress[i]);
    }
  }
  for (const auto& rule : policy.about_egress ? policy.egress : std::vector<TrafficRule>()) {
    const auto allowed = egress_of(rule, peers_of(rule, space, pods));
    for (const auto i : selected) egress[i]->insert(egress[i]->end(), allowed.begin(), allowed.end());
  }
}

}  // namespace

runtime::network::TrafficPlan plan_traffic(const std::vector<TrafficPolicy>& policies,
                                           const std::vector<TrafficPod>& pods) {
  std::vector<Allowed> ingress(pods.size());
  std::vector<Allowed> egress(pods.size());
  for (const auto& policy : policies) add_policy(policy, pods, ingress, egress);
  runtime::network::TrafficPlan plan;
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (!ingress[i] && !egress[i]) continue;
    plan.pods.push_back({pods[i].address, pods[i].address6, std::move(ingress[i]), std::move(egress[i])});
  }
  return plan;
}

}  // namespace mete::agent
