// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/network_request.h"

#include "agent/docker/filters.h"
#include "config/values/ip_address.h"

namespace mete::agent::docker {
namespace {

bool is_v6(const std::string& text) {
  return text.find(':') != std::string::npos;
}

Status read_addresses(const Json& ipam, Networks::Wanted& wanted) {
  const std::string driver = text_of(ipam, "Driver");
  if (!driver.empty() && driver != "default")
    return fail("IPAM: found driver " + driver + ", expected default: mete gives the addresses itself");
  const Json& ranges = field(ipam, "Config");
  for (const auto& each : ranges.is_array() ? ranges : Json::array()) {
    const std::string subnet = text_of(each, "Subnet");
    if (!subnet.empty() && !config::parse_range(subnet))
      return fail("Invalid subnet " + subnet + " : invalid CIDR address: " + subnet);
    std::string& taken = is_v6(subnet) ? wanted.subnet6 : wanted.subnet;
    if (!taken.empty()) return fail("IPAM: found subnets " + taken + " and " + subnet + ", expected one of each kind");
    taken = subnet;
    const std::string gateway = text_of(each, "Gateway");
    (is_v6(gateway) ? wanted.gateway6 : wanted.gateway) += gateway;
    const std::string part = text_of(each, "IPRange");
    if (is_v6(part)) return fail("IPAM: found range " + part + ", expected one of IPv4");
    if (!part.empty()) wanted.part = part;
    for (const auto& [name, address] : texts_of(each, "AuxiliaryAddresses"))
      wanted.reserved.emplace_back(name, address);
  }
  return {};
}

Status read_options(const Json& body, Networks::Wanted& wanted) {
  const bool is_bridge = wanted.driver.empty() || wanted.driver == "bridge" || wanted.driver == "overlay";
  for (const auto& [name, value] : texts_of(body, "Options")) {
    if (name == "com.docker.network.driver.mtu") {
      wanted.mtu = value;
    } else if (is_bridge && name == "com.docker.network.bridge.enable_icc") {
      wanted.between_containers = is_true(value);
    } else if (is_bridge && !(wanted.driver == "overlay" && name == "encrypted")) {
      return fail("network option " + name + ": found one that mete does not know");
    } else {
      wanted.options.emplace_back(name, value);
      continue;
    }
    wanted.labels.emplace_back(name, value);
  }
  return {};
}

}  // namespace

Result<Networks::Wanted> wanted_network(const Json& body) {
  Networks::Wanted wanted;
  wanted.name = text_of(body, "Name");
  wanted.driver = text_of(body, "Driver");
  wanted.internal = flag_of(body, "Internal");
  for (const auto& [name, value] : texts_of(body, "Labels")) {
    if (name.starts_with(kNetworkOption))
      return fail("label " + name + ": found a name that options of networks have, expected another one");
    wanted.labels.emplace_back(name, value);
  }
  METE_CHECK(read_addresses(field(body, "IPAM"), wanted));
  METE_CHECK(read_options(body, wanted));
  return wanted;
}

}  // namespace mete::agent::docker
