// SPDX-License-Identifier: Apache-2.0
#include "agent/services/service_json.h"

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

ordered_json addresses_json(const std::vector<const ServiceBackend*>& all) {
  ordered_json list = ordered_json::array();
  for (const auto* each : all) {
    list.push_back(
        {{"ip", to_string(each->backend.address)},
         {"targetRef", {{"kind", "Pod"}, {"name", each->backend.name}, {"namespace", each->backend.space}}}});
  }
  return list;
}

}  // namespace

ordered_json service_json(const ServiceKeeper::Object& object) {
  // What the manifest says, and what was chosen.
  ordered_json spec = ordered_json::parse(object.service.text, nullptr, false).value("spec", ordered_json::object());
  if (!spec.contains("type")) spec["type"] = "ClusterIP";
  if (!object.service.headless && object.service.external_name.empty())
    spec["clusterIP"] = to_string(object.lease.address);
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
  for (const auto& each : object.plan.ready) by_ports[each.ports].ready.push_back(&each);
  for (const auto& each : object.plan.not_ready) by_ports[each.ports].not_ready.push_back(&each);
  ordered_json subsets = ordered_json::array();
  for (const auto& [ports, subset] : by_ports) {
    ordered_json value = ordered_json::object();
    if (!subset.ready.empty()) value["addresses"] = addresses_json(subset.ready);
    if (!subset.not_ready.empty()) value["notReadyAddresses"] = addresses_json(subset.not_ready);
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
