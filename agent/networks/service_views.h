// SPDX-License-Identifier: Apache-2.0
// What pods are told who ask for the name of a Service. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/networks/dns/dns_message.h"
#include "config/model/pod_spec.h"
#include "config/values/ip_address.h"

namespace mete::agent {

struct ServicePortName {
  std::string name;  // empty: only one port, without a name
  config::Protocol protocol = config::Protocol::kTcp;
  std::vector<dns::ServiceRecord> where;
};

struct ServiceView {
  std::vector<config::IpAddress> addresses = {};
  std::vector<ServicePortName> ports = {};
  std::map<std::string, config::IpAddress> hosts = {};  // names in front of it: "10-77-0-2", of its pods
};

// What pods of the default network find. Those of other networks are not led by the machine's rules: what they find
// is what is in their own networks.
struct ServiceName : ServiceView {
  std::string alias = {};                               // not empty: the name that it stands for
  std::map<std::string, ServiceView> of_networks = {};  // by network
};

using ServiceNames = std::map<std::string, ServiceName>;  // by "NAMESPACE/SERVICE"

}  // namespace mete::agent
