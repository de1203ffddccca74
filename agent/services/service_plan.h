// SPDX-License-Identifier: Apache-2.0
// Which pods are behind a Service, and where its ports lead to. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/services/service_leases.h"
#include "config/model/service.h"
#include "runtime/network/service_rules.h"

namespace mete::agent {

// A pod that a Service can lead to.
struct Backend {
  std::string space;
  std::string name;
  std::map<std::string, std::string> labels;
  config::IpAddress address;
  bool ready = false;
  std::vector<config::ContainerPort> ports;
  std::optional<config::IpAddress> address6 = {};
  std::string hostname = {};   // where it has a subdomain, too
  std::string subdomain = {};  // a headless Service of that name has its hostname
};

// Its address of one kind; empty: it has none.
[[nodiscard]] std::optional<config::IpAddress> address_of(const Backend& backend, bool v6);

// Kubernetes' rule: all labels of the selector; an empty selector selects nothing.
[[nodiscard]] bool selects(const config::Service& service, const Backend& backend);

struct ServiceBackend {
  Backend backend;
  std::vector<std::uint16_t> ports;  // for each port of the Service; 0: the pod has none of that name
};
struct PlannedService {
  std::vector<runtime::network::ServedPort> ports;  // with an address or a port of this machine
  std::vector<ServiceBackend> ready;                // or published all the same
  std::vector<ServiceBackend> not_ready;
};
[[nodiscard]] PlannedService plan_service(const config::Service& service, const ServiceLease& lease,
                                          const std::vector<Backend>& backends);

}  // namespace mete::agent
