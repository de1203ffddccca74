// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_names.h"

#include <algorithm>

namespace mete::agent {
namespace {

std::string dashed(const config::IpAddress& address) {
  std::string text = to_string(address);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == ':'; }, '-');
  return text;
}

bool has_name_in(const Backend& backend, const config::Service& service) {
  return !backend.hostname.empty() && backend.subdomain == service.metadata.name;
}

std::string host_of(const Backend& backend, const config::Service& service) {
  return has_name_in(backend, service) ? backend.hostname : dashed(backend.address);
}

std::string full_name_of(const config::Service& service) {
  return service.metadata.name + "." + service.metadata.namespace_ + ".svc.cluster.local";
}

}  // namespace

ServiceName service_name(const config::Service& service, const ServiceLease& lease, const PlannedService& plan,
                         bool has_v6) {
  ServiceName name;
  name.alias = service.external_name;
  if (!name.alias.empty()) return name;
  if (service.headless) {
    static_cast<ServiceView&>(name) = pods_of_service(service, plan, has_v6);
    return name;
  }
  for (const auto& each : {lease.address, lease.address6}) {
    if (each != config::IpAddress{}) name.addresses.push_back(each);
  }
  for (const auto& port : service.ports)
    name.ports.push_back({port.name, port.protocol, {{full_name_of(service), port.port, name.addresses}}});
  return name;
}

ServiceView pods_of_service(const config::Service& service, const PlannedService& plan, bool has_v6) {
  ServiceView view;
  const auto families = families_of(service, has_v6).value_or(ServiceFamilies{});
  const auto of_pod = [&](const Backend& backend) {
    std::vector<config::IpAddress> all;
    if (families.v4) all.push_back(backend.address);
    if (families.v6 && backend.address6) all.push_back(*backend.address6);
    return all;
  };
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    view.ports.push_back({service.ports[i].name, service.ports[i].protocol, {}});
    for (const auto& each : plan.ready) {
      if (each.ports[i] != 0)
        view.ports.back().where.push_back(
            {host_of(each.backend, service) + "." + full_name_of(service), each.ports[i], of_pod(each.backend)});
    }
  }
  for (const auto& each : plan.ready) {
    const auto addresses = of_pod(each.backend);
    view.addresses.insert(view.addresses.end(), addresses.begin(), addresses.end());
    if (!has_name_in(each.backend, service)) view.hosts[dashed(each.backend.address)] = each.backend.address;
  }
  return view;
}

std::string unknown_ports(const config::Service& service, const PlannedService& plan) {
  std::string text;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    std::size_t without = 0;
    std::string first;
    for (const auto* list : {&plan.ready, &plan.not_ready}) {
      for (const auto& each : *list) {
        if (each.ports[i] != 0) continue;
        if (++without == 1) first = each.backend.name;
      }
    }
    if (without == 0) continue;
    text += (text.empty() ? "" : "; ") + std::string("targetPort ") + service.ports[i].target_name +
            ": found no port of that name in " +
            (without == 1 ? "pod " + first : std::to_string(without) + " pods, the first of which is " + first) +
            ", expected one: nothing leads there";
  }
  return text;
}

}  // namespace mete::agent
