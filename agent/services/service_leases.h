// SPDX-License-Identifier: Apache-2.0
// Which address and which ports of this machine each Service has. Kept in STATE/services.json, which is written before
// a rule is made of them: a Service keeps both while it exists. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "config/model/service.h"

namespace mete::agent {

struct ServiceLease {
  config::IpAddress address;                        // 0.0.0.0: it has none (headless, ExternalName, IPv6 alone)
  std::map<std::string, std::uint16_t> node_ports;  // by "TCP/80", the Service's own port
  std::int64_t created = 0;                         // seconds since 1970
  config::IpAddress address6 = {};                  // of IPv6; 0.0.0.0: it has none
  bool operator==(const ServiceLease&) const = default;
};
using ServiceLeases = std::map<std::string, ServiceLease>;  // by "default/web"

[[nodiscard]] std::string lease_key(const config::ServicePort& port);  // "TCP/80"

// Where addresses of Services come from. v6 empty: there are none of IPv6.
struct ServiceRanges {
  config::IpRange v4;
  std::optional<config::IpRange> v6;
};

// Which kinds of addresses a Service has; those of its pods, where it is headless. The error: this machine has not what
// it requires.
struct ServiceFamilies {
  bool v4 = true;
  bool v6 = false;
};
[[nodiscard]] Result<ServiceFamilies> families_of(const config::Service& service, bool has_v6);

struct Leasing {
  ServiceLeases leases;                                      // of those that are not refused
  std::vector<std::pair<std::string, std::string>> refused;  // Service, and why
};
// What is asked for by number comes first, then what was leased before; the rest is chosen by the Service's name.
[[nodiscard]] Leasing lease(const std::vector<config::Service>& services, const ServiceLeases& before,
                            const ServiceRanges& ranges, std::int64_t now);

[[nodiscard]] std::string to_json(const ServiceLeases& leases);
[[nodiscard]] Result<ServiceLeases> parse_leases(const std::string& text);

}  // namespace mete::agent
