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
using runtime::network::ClosedPod;
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

class Direction {
 public:
  Direction(const TrafficPod& own, bool ingress, const std::vector<TrafficPod>& pods)
      : own_(own), ingress_(ingress), pods_(pods) {}

  void add(const TrafficPolicy& policy) {
    if (!allowed_) allowed_.emplace();
    for (const auto& rule : ingress_ ? policy.ingress : policy.egress) add(rule, policy.metadata.namespace_);
  }
  [[nodiscard]] std::optional<std::vector<AllowedTraffic>> take() { return std::move(allowed_); }

 private:
  void add(const TrafficRule& rule, const std::string& space) {
    if (rule.peers.empty()) everybody(rule);
    for (const auto& peer : rule.peers) {
      if (peer.block) {
        block(rule, peer);
        continue;
      }
      for (const auto* pod : pods_of(peer, space, pods_)) {
        const std::uint32_t number = runtime::network::number_of(pod->address);
        add_ports(rule, {number, number}, ingress_ ? &own_ : pod, *allowed_);
      }
    }
  }

  void everybody(const TrafficRule& rule) {
    add_ports(rule, {0, 0xFFFFFFFFU}, ingress_ ? &own_ : nullptr, *allowed_);
    if (ingress_) return;
    // Names of ports are those of pods.
    TrafficRule named = rule;
    std::erase_if(named.ports, [](const TrafficPort& port) { return port.name.empty(); });
    if (named.ports.empty()) return;
    for (const auto& pod : pods_) {
      const std::uint32_t number = runtime::network::number_of(pod.address);
      add_ports(named, {number, number}, &pod, *allowed_);
    }
  }

  void block(const TrafficRule& rule, const TrafficPeer& peer) {
    std::vector<Span> except;
    for (const auto& each : peer.except) except.push_back(runtime::network::span_of(each));
    for (const auto& span : runtime::network::minus(runtime::network::span_of(*peer.block), except))
      add_ports(rule, span, ingress_ ? &own_ : nullptr, *allowed_);
  }

  const TrafficPod& own_;
  bool ingress_;
  const std::vector<TrafficPod>& pods_;
  std::optional<std::vector<AllowedTraffic>> allowed_;
};

}  // namespace

runtime::network::TrafficPlan plan_traffic(const std::vector<TrafficPolicy>& policies,
                                           const std::vector<TrafficPod>& pods) {
  runtime::network::TrafficPlan plan;
  for (const auto& pod : pods) {
    Direction ingress(pod, true, pods);
    Direction egress(pod, false, pods);
    for (const auto& policy : policies) {
      if (policy.metadata.namespace_ != pod.space || !selects(policy.pods, pod.labels)) continue;
      if (policy.about_ingress) ingress.add(policy);
      if (policy.about_egress) egress.add(policy);
    }
    ClosedPod closed{pod.address, pod.address6, ingress.take(), egress.take()};
    if (closed.ingress || closed.egress) plan.pods.push_back(std::move(closed));
  }
  return plan;
}

}  // namespace mete::agent
