// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_plan.h"

#include <algorithm>

namespace mete::agent {
namespace {

using config::Service;
using config::ServicePort;

std::uint16_t target_in(const ServicePort& port, const Backend& backend) {
  if (port.target_name.empty()) return port.target;
  const auto same = [&](const config::ContainerPort& each) {
    return each.name == port.target_name && each.protocol == port.protocol;
  };
  const auto found = std::find_if(backend.ports.begin(), backend.ports.end(), same);
  return found == backend.ports.end() ? 0 : found->container_port;
}

// Where the ports of one of its addresses lead to: pods' addresses of the same kind.
void add_ports(const Service& service, const ServiceLease& lease, const config::IpAddress& address,
               PlannedService& plan) {
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const ServicePort& port = service.ports[i];
    runtime::network::ServedPort served{address, port.protocol, port.port, 0, service.by_client, {}};
    if (const auto node = lease.node_ports.find(lease_key(port)); node != lease.node_ports.end())
      served.node_port = node->second;
    for (const auto& each : plan.ready) {
      const auto to = address_of(each.backend, address.v6);
      if (each.ports[i] != 0 && to) served.endpoints.push_back({*to, each.ports[i]});
    }
    plan.ports.push_back(std::move(served));
  }
}

}  // namespace

std::optional<config::IpAddress> address_of(const Backend& backend, bool v6) {
  return v6 ? backend.address6 : std::optional(backend.address);
}

bool selects(const Service& service, const Backend& backend) {
  const auto has = [&](const auto& label) {
    const auto found = backend.labels.find(label.first);
    return found != backend.labels.end() && found->second == label.second;
  };
  return !service.selector.empty() && service.metadata.namespace_ == backend.space &&
         std::all_of(service.selector.begin(), service.selector.end(), has);
}

PlannedService plan_service(const Service& service, const ServiceLease& lease, const std::vector<Backend>& backends) {
  PlannedService plan;
  for (const auto& backend : backends) {
    if (!selects(service, backend)) continue;
    ServiceBackend one{backend, {}};
    for (const auto& port : service.ports) one.ports.push_back(target_in(port, backend));
    (backend.ready || service.with_not_ready ? plan.ready : plan.not_ready).push_back(std::move(one));
  }
  for (const auto& address : {lease.address, lease.address6}) {
    if (address != config::IpAddress{}) add_ports(service, lease, address, plan);
  }
  return plan;
}

}  // namespace mete::agent
