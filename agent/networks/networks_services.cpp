// SPDX-License-Identifier: Apache-2.0
// What Services ask of the networks: rules, names and ports of this machine.
#include <utility>

#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

constexpr std::string_view kServiceDomains[] = {".svc.cluster.local", ".svc", ""};

}  // namespace

config::IpAddress Networks::machine_address() const {
  const auto network = networks_.find(kDefaultNetwork);
  return network == networks_.end() ? config::IpAddress() : runtime::network::gateway_of(network->second.spec);
}

void Networks::serve(runtime::network::PodRules rules, ServiceNames names, Done done) {
  service_names_ = std::move(names);
  if (rules == pod_rules_) return done({});
  pod_rules_ = std::move(rules);
  thread_.serve(pod_rules_, all_networks(), all_endpoints(), std::move(done));
  const bool may = services_.settings.config.network.pods != config::DefaultNetwork::kNone;
  if (pod_rules_.services && may && unavailable_.empty()) when_up([](const Status&) {});
}

Status Networks::claim_node_ports(const std::string& service,
                                  const std::vector<runtime::network::PublishedPort>& ports) {
  const std::string holder = "Service " + service;
  if (!ports.empty()) return claims_.claim(holder, holder, ports);
  claims_.give_up(holder);
  return {};
}

// "web" of the asker's namespace, "web.shop", "web.shop.svc", "web.shop.svc.cluster.local".
const Networks::ServiceName* Networks::find_service(const std::string& space, const std::string& name) const {
  if (service_names_.empty()) return nullptr;
  std::string_view rest = name;
  for (const auto domain : kServiceDomains) {
    if (!rest.ends_with(domain)) continue;
    rest.remove_suffix(domain.size());
    break;
  }
  const bool whole = rest.size() == name.size();
  const auto dot = rest.find('.');
  if (dot == std::string_view::npos && !whole) return nullptr;
  const std::string key = dot == std::string_view::npos
                              ? space + "/" + std::string(rest)
                              : std::string(rest.substr(dot + 1)) + "/" + std::string(rest.substr(0, dot));
  const auto found = service_names_.find(key);
  return found == service_names_.end() ? nullptr : &found->second;
}

}  // namespace mete::agent
