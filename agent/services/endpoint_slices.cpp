// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "agent/services/service_json.h"
#include "agent/workloads/workload_text.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;

// The pods behind it with these addresses, by their ports: a port's name may be another number in each pod.
using ByPorts = std::map<std::vector<std::uint16_t>, ordered_json>;

class Slices {
 public:
  Slices(const ServiceKeeper::Object& object, const std::string& node) : object_(object), node_(node) {}

  [[nodiscard]] std::vector<ordered_json> all() const {
    std::vector<ordered_json> slices;
    const auto& service = object_.service;
    if (service.selector.empty()) return slices;
    for (const bool v6 : {service.v6_first, !service.v6_first}) {
      const bool first = v6 == service.v6_first;
      if (!first && service.family_policy == config::IpFamilyPolicy::kSingleStack) continue;
      const auto endpoints = endpoints_of(v6);
      for (const auto& [ports, list] : endpoints) slices.push_back(slice(v6, ports, list));
      // Nobody is behind it: one that says so.
      if (first && endpoints.empty()) slices.push_back(slice(v6, {}, ordered_json::array()));
    }
    return slices;
  }

 private:
  [[nodiscard]] ordered_json endpoint(const Backend& backend, const config::IpAddress& address, bool ready) const {
    ordered_json value = {{"addresses", ordered_json::array({to_string(address)})},
                          {"conditions", {{"ready", ready}, {"serving", backend.ready}, {"terminating", false}}}};
    const auto& own = object_.service.metadata;
    if (!backend.hostname.empty() && backend.subdomain == own.name) value["hostname"] = backend.hostname;
    value["nodeName"] = node_;
    value["targetRef"] = {{"kind", "Pod"}, {"name", backend.name}, {"namespace", backend.space}};
    return value;
  }

  [[nodiscard]] ByPorts endpoints_of(bool v6) const {
    ByPorts all;
    for (const auto& [list, ready] : {std::pair{&object_.plan.ready, true}, {&object_.plan.not_ready, false}}) {
      for (const auto& each : *list) {
        if (const auto address = address_of(each.backend, v6))
          all[each.ports].push_back(endpoint(each.backend, *address, ready));
      }
    }
    return all;
  }

  [[nodiscard]] ordered_json slice(bool v6, const std::vector<std::uint16_t>& ports,
                                   const ordered_json& endpoints) const {
    const auto& own = object_.service.metadata;
    std::string name = own.name + (v6 ? "-ipv6" : "-ipv4");
    ordered_json shown = ordered_json::array();
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if (ports[i] == 0) continue;
      const auto& port = object_.service.ports[i];
      name += "-" + std::to_string(ports[i]);
      shown.push_back({{"name", port.name}, {"protocol", protocol_name(port.protocol)}, {"port", ports[i]}});
    }
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata",
             {{"name", name},
              {"namespace", own.namespace_},
              {"labels", {{"kubernetes.io/service-name", own.name}}},
              {"creationTimestamp", rfc3339(WallTime(std::chrono::seconds(object_.lease.created)))}}},
            {"addressType", v6 ? "IPv6" : "IPv4"},
            {"endpoints", endpoints},
            {"ports", shown}};
  }

  const ServiceKeeper::Object& object_;
  const std::string& node_;
};

}  // namespace

std::vector<ordered_json> endpoint_slices_json(const ServiceKeeper::Object& object, const std::string& node) {
  return Slices(object, node).all();
}

}  // namespace mete::agent
