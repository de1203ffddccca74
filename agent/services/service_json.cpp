// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_json.h"

#include <algorithm>

#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

ordered_json metadata_json(const ServiceKeeper::Object& object) {
  const auto& own = object.service.metadata;
  ordered_json value = {{"name", own.name}, {"namespace", own.namespace_}};
  if (!own.labels.empty()) value["labels"] = own.labels;
  if (!own.annotations.empty()) value["annotations"] = own.annotations;
  value["creationTimestamp"] = rfc3339(WallTime(std::chrono::seconds(object.lease.created)));
  return value;
}

ordered_json addresses_json(const std::vector<const ServiceBackend*>& all, bool v6) {
  ordered_json list = ordered_json::array();
  for (const auto* each : all) {
    list.push_back(
        {{"ip", to_string(address_of(each->backend, v6).value_or(config::IpAddress{}))},
         {"targetRef", {{"kind", "Pod"}, {"name", each->backend.name}, {"namespace", each->backend.space}}}});
  }
  return list;
}

void add_addresses(const ServiceKeeper::Object& object, ordered_json& spec) {
  std::vector<config::IpAddress> own;
  for (const auto& each : {object.lease.address, object.lease.address6}) {
    if (each != config::IpAddress{}) own.push_back(each);
  }
  if (object.service.v6_first) std::reverse(own.begin(), own.end());
  spec["clusterIPs"] = ordered_json::array();
  spec["ipFamilies"] = ordered_json::array();
  for (const auto& each : own) {
    spec["clusterIPs"].push_back(to_string(each));
    spec["ipFamilies"].push_back(each.v6 ? "IPv6" : "IPv4");
  }
  spec["clusterIP"] = spec["clusterIPs"].front();
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = own.size() > 1 ? "RequireDualStack" : "SingleStack";
}

}  // namespace

ordered_json service_json(const ServiceKeeper::Object& object) {
  // What the manifest says, and what was chosen.
  ordered_json spec = ordered_json::parse(object.service.text, nullptr, false).value("spec", ordered_json::object());
  if (!spec.contains("type")) spec["type"] = "ClusterIP";
  if (!object.service.headless && object.service.external_name.empty()) add_addresses(object, spec);
  for (std::size_t i = 0; i < object.service.ports.size(); ++i) {
    const auto& port = object.service.ports[i];
    ordered_json& shown = spec["ports"][i];
    shown["protocol"] = protocol_name(port.protocol);
    if (!shown.contains("targetPort")) shown["targetPort"] = port.port;
    if (const auto node = object.lease.node_ports.find(lease_key(port)); node != object.lease.node_ports.end())
      shown["nodePort"] = node->second;
  }
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", metadata_json(object)},
          {"spec", std::move(spec)},
          {"status", {{"loadBalancer", ordered_json::object()}}}};
}

ordered_json endpoints_json(const ServiceKeeper::Object& object) {
  // One subset for each list of ports: a port's name may be another number in each pod.
  struct Subset {
    std::vector<const ServiceBackend*> ready;
    std::vector<const ServiceBackend*> not_ready;
  };
  std::map<std::vector<std::uint16_t>, Subset> by_ports;
  // Of the first kind of addresses alone, as in Kubernetes.
  const bool v6 = object.service.v6_first;
  for (const auto& each : object.plan.ready) {
    if (address_of(each.backend, v6)) by_ports[each.ports].ready.push_back(&each);
  }
  for (const auto& each : object.plan.not_ready) {
    if (address_of(each.backend, v6)) by_ports[each.ports].not_ready.push_back(&each);
  }
  ordered_json subsets = ordered_json::array();
  for (const auto& [ports, subset] : by_ports) {
    ordered_json value = ordered_json::object();
    if (!subset.ready.empty()) value["addresses"] = addresses_json(subset.ready, v6);
    if (!subset.not_ready.empty()) value["notReadyAddresses"] = addresses_json(subset.not_ready, v6);
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if (ports[i] == 0) continue;
      const auto& port = object.service.ports[i];
      ordered_json shown = {{"port", ports[i]}, {"protocol", protocol_name(port.protocol)}};
      if (!port.name.empty()) shown["name"] = port.name;
      value["ports"].push_back(std::move(shown));
    }
    subsets.push_back(std::move(value));
  }
  return {{"apiVersion", "v1"}, {"kind", "Endpoints"}, {"metadata", metadata_json(object)}, {"subsets", subsets}};
}

}  // namespace mete::agent
