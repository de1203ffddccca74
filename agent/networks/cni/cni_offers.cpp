// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/cni/cni_offers.h"

#include <algorithm>

#include "runtime/json.h"

namespace mete::agent {
namespace {

using Json = nlohmann::json;
using runtime::network::Bandwidth;
using runtime::network::Endpoint;

std::string arguments_for(const std::string& space, const std::string& name, const std::string& uid) {
  // Plugins refuse names that they do not know, unless they are told not to.
  return "IgnoreUnknown=1;K8S_POD_NAMESPACE=" + space + ";K8S_POD_NAME=" + name + ";K8S_POD_INFRA_CONTAINER_ID=" + uid +
         ";K8S_POD_UID=" + uid;
}

Json ports_json(const Endpoint& endpoint) {
  Json ports = Json::array();
  for (const auto& each : endpoint.ports) {
    Json port = {{"hostPort", each.host_port},
                 {"containerPort", each.container_port},
                 {"protocol", runtime::network::to_string(each.protocol)}};
    if (each.host_address) port["hostIP"] = to_string(*each.host_address);
    ports.push_back(std::move(port));
  }
  return ports;
}

// Rates and bursts in bits; a burst as on mete's own bridges: 10 ms, at least 64 KiB.
Json bandwidth_json(const Bandwidth& bandwidth) {
  constexpr std::uint64_t kBits = 8;
  constexpr std::uint64_t kLeastBurst = 64 * 1024;
  Json value = Json::object();
  const auto add = [&](const char* rate, const char* burst, std::uint64_t bytes) {
    if (bytes == 0) return;
    value[rate] = bytes * kBits;
    value[burst] = std::max(bytes / 100, kLeastBurst) * kBits;
  };
  add("ingressRate", "ingressBurst", bandwidth.ingress);
  add("egressRate", "egressBurst", bandwidth.egress);
  return value;
}

Json dns_json(const config::DnsConfig& dns) {
  Json value = Json::object();
  if (!dns.nameservers.empty()) value["servers"] = dns.nameservers;
  if (!dns.searches.empty()) value["searches"] = dns.searches;
  for (const auto& [name, option] : dns.options)
    value["options"].push_back(option.empty() ? name : name + ":" + option);
  return value;
}

}  // namespace

Result<CniOffers> offers_of(const config::Pod& pod, const Endpoint& endpoint, const std::string& address) {
  CniOffers offers;
  const auto need = [&](const char* capability, const Json& value) {
    offers.all[capability] = value.dump();
    offers.needed.insert(capability);
  };
  if (!endpoint.ports.empty()) need("portMappings", ports_json(endpoint));
  if (endpoint.bandwidth != Bandwidth{}) need("bandwidth", bandwidth_json(endpoint.bandwidth));
  if (!address.empty()) {
    if (!config::parse_ip(address)) return fail("address: found \"" + address + "\", expected an IP address");
    need("ips", Json::array({address}));
  }
  if (endpoint.mac != runtime::network::MacAddress{}) need("mac", runtime::network::to_string(endpoint.mac));
  if (const Json dns = dns_json(*pod.spec.dns); !dns.empty()) offers.all["dns"] = dns.dump();
  Json aliases = Json::array();
  for (std::size_t i = 1; i < endpoint.names.size(); ++i) aliases.push_back(endpoint.names[i]);
  if (!aliases.empty()) offers.all["aliases"] = aliases.dump();
  return offers;
}

std::string arguments_of(const config::Pod& pod, const std::string& uid) {
  return arguments_for(pod.metadata.namespace_, pod.metadata.name, uid);
}

std::string arguments_of(const Endpoint& endpoint, const std::string& uid) {
  const std::string name = endpoint.names.empty() ? "/" : endpoint.names.front();
  const auto slash = name.find('/');
  return arguments_for(name.substr(0, slash), name.substr(slash + 1), uid);
}

}  // namespace mete::agent
