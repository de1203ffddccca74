// SPDX-License-Identifier: Apache-2.0
// What Services ask of the networks: rules, names and ports of this machine.
#include <utility>

#include "agent/networks/networks.h"

namespace mete::agent {
namespace {

constexpr std::string_view kServiceDomains[] = {".svc.cluster.local", ".svc", ""};

// "_http._tcp.web": the port's name, its protocol, and the Service's name; empty: it is no such name.
struct PortQuestion {
  std::string port;
  std::string protocol;
  std::string service;
};
std::optional<PortQuestion> port_question(const std::string& name) {
  const auto dot = name.find("._");
  const auto second = dot == std::string::npos ? dot : name.find('.', dot + 1);
  if (!name.starts_with('_') || second == std::string::npos) return std::nullopt;
  return PortQuestion{name.substr(1, dot - 1), name.substr(dot + 2, second - dot - 2), name.substr(second + 1)};
}

// What a pod of these networks finds of it.
ServiceView seen_from(const ServiceName& service, const std::set<std::string>& networks) {
  if (networks.contains(kDefaultNetwork)) return service;
  ServiceView all;
  for (const auto& network : networks) {
    const auto found = service.of_networks.find(network);
    if (found == service.of_networks.end()) continue;
    const auto& [addresses, ports, hosts] = found->second;
    all.addresses.insert(all.addresses.end(), addresses.begin(), addresses.end());
    all.ports.insert(all.ports.end(), ports.begin(), ports.end());
    all.hosts.insert(hosts.begin(), hosts.end());
  }
  return all;
}

}  // namespace

config::IpAddress Networks::machine_address(bool v6) const {
  const auto network = networks_.find(kDefaultNetwork);
  if (network == networks_.end()) return {};
  const auto& spec = network->second.spec;
  if (v6 && !spec.range6) return {};
  return v6 ? runtime::network::gateway6_of(spec) : runtime::network::gateway_of(spec);
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
const ServiceName* Networks::find_service(const std::string& space, const std::string& name) const {
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

// A Service, a port of it, or a pod of a headless one by its address.
std::optional<DnsResponder::Found> Networks::find_of_services(const Member& asker, const std::string& name) const {
  const std::string space(space_of(asker.endpoint.names));
  std::set<std::string> networks = {asker.endpoint.network};
  // The address of a Service is reached by the way out, which is that of its own network.
  for (const auto& each : asker.more) {
    if (each.network != kDefaultNetwork) networks.insert(each.network);
  }
  if (const auto question = port_question(name)) {
    const auto* const service = find_service(space, question->service);
    if (service == nullptr) return std::nullopt;
    DnsResponder::Found found;
    for (const auto& port : seen_from(*service, networks).ports) {
      if (port.name == question->port && runtime::network::to_string(port.protocol) == question->protocol)
        found.services.insert(found.services.end(), port.where.begin(), port.where.end());
    }
    return found;
  }
  if (const auto* const service = find_service(space, name)) {
    const auto view = seen_from(*service, networks);
    DnsResponder::Found found{view.addresses, service->alias, {}};
    for (const auto& port : view.ports)
      found.services.insert(found.services.end(), port.where.begin(), port.where.end());
    return found;
  }
  const auto dot = name.find('.');
  const auto* const service = dot == std::string::npos ? nullptr : find_service(space, name.substr(dot + 1));
  if (service == nullptr) return std::nullopt;
  const auto view = seen_from(*service, networks);
  const auto host = view.hosts.find(name.substr(0, dot));
  if (host == view.hosts.end()) return std::nullopt;
  return DnsResponder::Found{{host->second}, {}, {}};
}

}  // namespace mete::agent
