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

}  // namespace

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
  if (lease.address == config::IpAddress{}) return plan;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const ServicePort& port = service.ports[i];
    runtime::network::ServedPort served{lease.address, port.protocol, port.port, 0, service.by_client, {}};
    if (const auto node = lease.node_ports.find(lease_key(port)); node != lease.node_ports.end())
      served.node_port = node->second;
    for (const auto& each : plan.ready) {
      if (each.ports[i] != 0) served.endpoints.push_back({each.backend.address, each.ports[i]});
    }
    plan.ports.push_back(std::move(served));
  }
  return plan;
}

}  // namespace mete::agent
