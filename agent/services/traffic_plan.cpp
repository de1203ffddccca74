// SPDX-License-Identifier: Apache-2.0
#include "agent/services/traffic_plan.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace mete::agent {
namespace {

using config::Selector;
using config::TrafficPeer;
using config::TrafficPolicy;
using config::TrafficPort;
using config::TrafficRule;
using runtime::network::AllowedTraffic;
using runtime::network::PeerMember;
using runtime::network::PeerSet;
using runtime::network::TrafficDirection;
using runtime::network::TrafficPlan;

// As everywhere in Kubernetes but not in a mete Policy, a selector that says nothing selects all.
bool selects(const Selector& selector, const std::map<std::string, std::string>& labels) {
  return (selector.match_labels.empty() && selector.match_expressions.empty()) || config::matches(selector, labels);
}

// Words that no other selector has: no label has a space or a line's end.
std::string words_of(const Selector& selector) {
  std::string words;
  for (const auto& [key, value] : selector.match_labels) words += key + "=" + value + " ";
  for (const auto& each : selector.match_expressions) {
    words += each.key + " " + std::to_string(static_cast<int>(each.op));
    for (const auto& value : each.values) words += "," + value;
    words += " ";
  }
  return words;
}

std::string words_of(const AllowedTraffic& allowed) {
  std::string words = allowed.peers ? std::to_string(*allowed.peers) : std::string("-");
  if (allowed.block) words += " " + to_string(*allowed.block);
  for (const auto& each : allowed.except) words += "!" + to_string(each);
  words += " " + (allowed.protocol ? std::to_string(static_cast<int>(*allowed.protocol)) : std::string("*"));
  return words + " " + std::to_string(allowed.first) + "-" + std::to_string(allowed.last) + "\n";
}

// A number for words: the same in each plan, as long as no other words have it.
class Numbers {
 public:
  // And whether these words are new.
  std::pair<std::uint32_t, bool> of(const std::string& words) {
    if (const auto known = numbers_.find(words); known != numbers_.end()) return {known->second, false};
    auto number = static_cast<std::uint32_t>(std::hash<std::string>()(words));
    while (!taken_.emplace(number, true).second) ++number;
    numbers_.emplace(words, number);
    return {number, true};
  }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::map<std::uint32_t, bool> taken_;
};

class Planner {
 public:
  Planner(const std::vector<TrafficPolicy>& policies, const std::vector<TrafficPod>& pods)
      : policies_(policies), pods_(pods) {}

  TrafficPlan plan() {
    for (const auto& pod : pods_) {
      std::vector<const TrafficPolicy*> own;
      for (const auto& policy : policies_) {
        if (policy.metadata.namespace_ == pod.space && selects(policy.pods, *pod.labels)) own.push_back(&policy);
      }
      if (own.empty()) continue;
      close(pod, own, true);
      close(pod, own, false);
    }
    return std::move(plan_);
  }

 private:
  // The policies of a pod that are about a direction, and the names of ports that count: all that its chain says.
  void close(const TrafficPod& pod, const std::vector<const TrafficPolicy*>& policies, bool ingress) {
    std::string key = ingress ? "in" : "out";
    bool closed = false;
    bool named = false;
    for (const auto* policy : policies) {
      if (!(ingress ? policy->about_ingress : policy->about_egress)) continue;
      closed = true;
      key += " " + std::to_string(policy - policies_.data());
      named |= ingress && names_ports(*policy);
    }
    if (!closed) return;
    for (const auto* port : named ? pod.ports : std::vector<const config::ContainerPort*>()) {
      if (!port->name.empty())
        key += " " + port->name + ":" + std::to_string(port->container_port) + "/" +
               std::to_string(static_cast<int>(port->protocol));
    }
    auto& known = chains_[key];
    if (!known) known = add_chain(pod, policies, ingress);
    auto& direction = ingress ? plan_.ingress : plan_.egress;
    for (const auto& address : pod.addresses) direction.closed[address] = *known;
  }

  static bool names_ports(const TrafficPolicy& policy) {
    return std::any_of(policy.ingress.begin(), policy.ingress.end(), [](const TrafficRule& rule) {
      return std::any_of(rule.ports.begin(), rule.ports.end(),
                         [](const TrafficPort& port) { return !port.name.empty(); });
    });
  }

  std::uint32_t add_chain(const TrafficPod& pod, const std::vector<const TrafficPolicy*>& policies, bool ingress) {
    std::vector<AllowedTraffic> all;
    std::string words;
    const auto add = [&](const AllowedTraffic& allowed) {
      if (std::find(all.begin(), all.end(), allowed) != all.end()) return;
      all.push_back(allowed);
      words += words_of(allowed);
    };
    for (const auto* policy : policies) {
      if (!(ingress ? policy->about_ingress : policy->about_egress)) continue;
      for (const auto& rule : ingress ? policy->ingress : policy->egress) {
        for (const auto& peer : peers_of(rule)) add_ports(rule, peer, *policy, ingress ? &pod : nullptr, add);
      }
    }
    const auto number = chain_numbers_[ingress ? 1 : 0].of(words).first;
    (ingress ? plan_.ingress : plan_.egress).chains.emplace(number, std::move(all));
    return number;
  }

  // Null: everybody.
  static std::vector<const TrafficPeer*> peers_of(const TrafficRule& rule) {
    std::vector<const TrafficPeer*> all;
    for (const auto& peer : rule.peers) all.push_back(&peer);
    if (all.empty()) all.push_back(nullptr);
    return all;
  }

  // `target`: the pod that is connected to, whose names of ports count; null: each peer's own.
  template <class Add>
  void add_ports(const TrafficRule& rule, const TrafficPeer* peer, const TrafficPolicy& policy,
                 const TrafficPod* target, const Add& add) {
    if (rule.ports.empty()) return add(named(peer, policy, nullptr));
    for (const auto& port : rule.ports) {
      if (port.name.empty()) {
        AllowedTraffic allowed = named(peer, policy, nullptr);
        allowed.protocol = port.protocol;
        if (port.first != 0) allowed.first = port.first;
        if (port.first != 0) allowed.last = port.last;
        add(allowed);
      } else if (target == nullptr) {
        // A block of addresses has no names.
        if (peer == nullptr || !peer->block) add(named(peer, policy, &port));
      } else {
        for (const auto* each : target->ports) {
          if (each->name != port.name || each->protocol != port.protocol) continue;
          AllowedTraffic allowed = named(peer, policy, nullptr);
          allowed.protocol = port.protocol;
          allowed.first = allowed.last = each->container_port;
          add(allowed);
        }
      }
    }
  }

  // Whom it is about; with `port` where each of them has the port of that name.
  AllowedTraffic named(const TrafficPeer* peer, const TrafficPolicy& policy, const TrafficPort* port) {
    AllowedTraffic allowed;
    if (peer == nullptr && port == nullptr) return allowed;
    if (peer != nullptr && peer->block) {
      allowed.block = peer->block;
      allowed.except = peer->except;
    } else {
      allowed.peers = set_of(peer, policy.metadata.namespace_, port);
    }
    return allowed;
  }

  // `peer` null: all pods.
  std::uint32_t set_of(const TrafficPeer* peer, const std::string& space, const TrafficPort* port) {
    const bool any = peer == nullptr;
    std::string words = any ? "*" : peer->namespaces ? "spaces " + words_of(*peer->namespaces) : "space " + space;
    words += "\n" + (!any && peer->pods ? words_of(*peer->pods) : std::string());
    if (port != nullptr) words += "\n" + std::to_string(static_cast<int>(port->protocol)) + " " + port->name;
    const auto [number, is_new] = set_numbers_.of(words);
    if (!is_new) return number;
    PeerSet set;
    set.with_ports = port != nullptr;
    for (const auto& pod : pods_) {
      if (any || is_peer(*peer, space, pod)) add_members(pod, port, set.members);
    }
    std::sort(set.members.begin(), set.members.end());
    set.members.erase(std::unique(set.members.begin(), set.members.end()), set.members.end());
    plan_.peers.emplace(number, std::move(set));
    return number;
  }

  static bool is_peer(const TrafficPeer& peer, const std::string& space, const TrafficPod& pod) {
    const bool in_namespace = peer.namespaces
                                  ? selects(*peer.namespaces, {{"kubernetes.io/metadata.name", std::string(pod.space)}})
                                  : pod.space == space;
    return in_namespace && (!peer.pods || selects(*peer.pods, *pod.labels));
  }

  static void add_members(const TrafficPod& pod, const TrafficPort* port, std::vector<PeerMember>& to) {
    for (const auto& address : pod.addresses) {
      if (port == nullptr) to.push_back({address});
      for (const auto* each : port == nullptr ? std::vector<const config::ContainerPort*>() : pod.ports) {
        if (each->name == port->name && each->protocol == port->protocol)
          to.push_back({address, each->protocol, each->container_port});
      }
    }
  }

  const std::vector<TrafficPolicy>& policies_;
  const std::vector<TrafficPod>& pods_;
  TrafficPlan plan_;
  Numbers set_numbers_;
  Numbers chain_numbers_[2];
  std::map<std::string, std::optional<std::uint32_t>> chains_;
};

}  // namespace

TrafficPlan plan_traffic(const std::vector<TrafficPolicy>& policies, const std::vector<TrafficPod>& pods) {
  return Planner(policies, pods).plan();
}

}  // namespace mete::agent
