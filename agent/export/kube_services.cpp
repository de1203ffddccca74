// SPDX-License-Identifier: Apache-2.0
#include "agent/export/kube_services.h"

#include <array>
#include <ctime>

namespace mete::agent {
namespace {

using collectors::FamilyWriter;
using collectors::LabelBlock;
using nlohmann::ordered_json;

std::string word_at(const ordered_json& object, const char* pointer) {
  const ordered_json::json_pointer path(pointer);
  return object.contains(path) && object.at(path).is_string() ? object.at(path).get<std::string>() : std::string();
}

const ordered_json& list_at(const ordered_json& object, const char* pointer) {
  static const ordered_json kNone = ordered_json::array();
  const ordered_json::json_pointer path(pointer);
  return object.contains(path) && object.at(path).is_array() ? object.at(path) : kNone;
}

// The labels that all series of an object have.
LabelBlock labels_of(const ordered_json& object, const char* name) {
  LabelBlock labels;
  labels.add("namespace", word_at(object, "/metadata/namespace"));
  labels.add(name, word_at(object, "/metadata/name"));
  return labels;
}

void created(FamilyWriter& out, const ordered_json& object, const char* name) {
  std::tm parts{};
  if (::strptime(word_at(object, "/metadata/creationTimestamp").c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts) == nullptr)
    return;
  out.add(labels_of(object, name), std::uint64_t(::timegm(&parts)));
}

LabelBlock port_labels(const ordered_json& object, const char* name, const ordered_json& port) {
  LabelBlock labels = labels_of(object, name);
  labels.add("port_name", word_at(port, "/name"));
  labels.add("port_protocol", word_at(port, "/protocol"));
  labels.add("port_number", std::to_string(port.value("port", 0)));
  return labels;
}

void service_created(FamilyWriter& out, const ordered_json& object) {
  created(out, object, "service");
}
void service_info(FamilyWriter& out, const ordered_json& object) {
  LabelBlock labels = labels_of(object, "service");
  labels.add("cluster_ip", word_at(object, "/spec/clusterIP"));
  labels.add("external_name", word_at(object, "/spec/externalName"));
  labels.add("load_balancer_ip", "");
  out.add(labels, std::uint64_t{1});
}
void service_type(FamilyWriter& out, const ordered_json& object) {
  LabelBlock labels = labels_of(object, "service");
  labels.add("type", word_at(object, "/spec/type"));
  out.add(labels, std::uint64_t{1});
}

void endpoint_created(FamilyWriter& out, const ordered_json& object) {
  created(out, object, "endpoint");
}
void endpoint_info(FamilyWriter& out, const ordered_json& object) {
  out.add(labels_of(object, "endpoint"), std::uint64_t{1});
}
void endpoint_address(FamilyWriter& out, const ordered_json& object) {
  for (const auto& subset : list_at(object, "/subsets")) {
    for (const auto& [list, ready] : {std::pair{"/addresses", "true"}, {"/notReadyAddresses", "false"}}) {
      for (const auto& address : list_at(subset, list)) {
        LabelBlock labels = labels_of(object, "endpoint");
        labels.add("ip", word_at(address, "/ip"));
        labels.add("ready", ready);
        out.add(labels, std::uint64_t{1});
      }
    }
  }
}
void endpoint_ports(FamilyWriter& out, const ordered_json& object) {
  for (const auto& subset : list_at(object, "/subsets")) {
    for (const auto& port : list_at(subset, "/ports")) out.add(port_labels(object, "endpoint", port), std::uint64_t{1});
  }
}

void slice_created(FamilyWriter& out, const ordered_json& object) {
  created(out, object, "endpointslice");
}
void slice_info(FamilyWriter& out, const ordered_json& object) {
  LabelBlock labels = labels_of(object, "endpointslice");
  labels.add("addresstype", word_at(object, "/addressType"));
  out.add(labels, std::uint64_t{1});
}
// Labels of what the endpoint does not say are left out, as kube-state-metrics does.
void slice_endpoints(FamilyWriter& out, const ordered_json& object) {
  struct Part {
    const char* label;
    const char* pointer;
  };
  constexpr std::array kFlags = std::to_array<Part>(
      {{"ready", "/conditions/ready"}, {"serving", "/conditions/serving"}, {"terminating", "/conditions/terminating"}});
  constexpr std::array kWords = std::to_array<Part>({{"hostname", "/hostname"},
                                                     {"targetref_kind", "/targetRef/kind"},
                                                     {"targetref_name", "/targetRef/name"},
                                                     {"targetref_namespace", "/targetRef/namespace"},
                                                     {"endpoint_nodename", "/nodeName"}});
  for (const auto& endpoint : list_at(object, "/endpoints")) {
    for (const auto& address : list_at(endpoint, "/addresses")) {
      LabelBlock labels = labels_of(object, "endpointslice");
      for (const auto& [label, pointer] : kFlags) {
        const ordered_json::json_pointer path(pointer);
        if (endpoint.contains(path)) labels.add(label, endpoint.at(path) == true ? "true" : "false");
      }
      for (const auto& [label, pointer] : kWords) {
        if (const std::string word = word_at(endpoint, pointer); !word.empty()) labels.add(label, word);
      }
      labels.add("address", address.get<std::string>());
      out.add(labels, std::uint64_t{1});
    }
  }
}
void slice_ports(FamilyWriter& out, const ordered_json& object) {
  for (const auto& port : list_at(object, "/ports"))
    out.add(port_labels(object, "endpointslice", port), std::uint64_t{1});
}

void policy_ingress(FamilyWriter& out, const ordered_json& object) {
  out.add(labels_of(object, "networkpolicy"), std::uint64_t{list_at(object, "/spec/ingress").size()});
}
void policy_egress(FamilyWriter& out, const ordered_json& object) {
  out.add(labels_of(object, "networkpolicy"), std::uint64_t{list_at(object, "/spec/egress").size()});
}

struct Row {
  KubeFamily family;
  std::string_view kind;
  void (*write)(FamilyWriter& out, const ordered_json& object);
};

constexpr auto kGaugeOfService = collectors::MetricType::kGauge;

constexpr std::array kRows = std::to_array<Row>({
    {{"kube_service_created", kGaugeOfService, "When it was made, in seconds since 1970.", "namespace,service"},
     "Service",
     service_created},
    {{"kube_service_info", kGaugeOfService, "1, with its address.",
      "namespace,service,cluster_ip,external_name,load_balancer_ip"},
     "Service",
     service_info},
    {{"kube_service_spec_type", kGaugeOfService, "1, with its type.", "namespace,service,type"},
     "Service",
     service_type},
    {{"kube_endpoint_created", kGaugeOfService, "When the Service was made, in seconds since 1970.",
      "namespace,endpoint"},
     "Endpoints",
     endpoint_created},
    {{"kube_endpoint_info", kGaugeOfService, "1 for each Service.", "namespace,endpoint"}, "Endpoints", endpoint_info},
    {{"kube_endpoint_address", kGaugeOfService, "1 for each pod that a Service selects.",
      "namespace,endpoint,ip,ready"},
     "Endpoints",
     endpoint_address},
    {{"kube_endpoint_ports", kGaugeOfService, "1 for each port that a Service leads to.",
      "namespace,endpoint,port_name,port_protocol,port_number"},
     "Endpoints",
     endpoint_ports},
    {{"kube_endpointslice_created", kGaugeOfService, "When the Service was made, in seconds since 1970.",
      "namespace,endpointslice"},
     "EndpointSlice",
     slice_created},
    {{"kube_endpointslice_info", kGaugeOfService, "1 for each kind of addresses of a Service, and each list of ports.",
      "namespace,endpointslice,addresstype"},
     "EndpointSlice",
     slice_info},
    {{"kube_endpointslice_endpoints", kGaugeOfService, "1 for each pod that a Service selects.",
      "namespace,endpointslice,ready,serving,terminating,hostname,targetref_kind,targetref_name,targetref_namespace,"
      "endpoint_nodename,address"},
     "EndpointSlice",
     slice_endpoints},
    {{"kube_endpointslice_ports", kGaugeOfService, "1 for each port that a Service leads to.",
      "namespace,endpointslice,port_name,port_protocol,port_number"},
     "EndpointSlice",
     slice_ports},
    {{"kube_networkpolicy_spec_ingress_rules", kGaugeOfService, "Rules of what comes in.", "namespace,networkpolicy"},
     "NetworkPolicy",
     policy_ingress},
    {{"kube_networkpolicy_spec_egress_rules", kGaugeOfService, "Rules of what goes out.", "namespace,networkpolicy"},
     "NetworkPolicy",
     policy_egress},
});

}  // namespace

std::span<const KubeFamily> kube_service_families() {
  static const auto kFamiliesAlone = [] {
    std::array<KubeFamily, kRows.size()> families{};
    for (std::size_t i = 0; i < families.size(); ++i) families.at(i) = kRows.at(i).family;
    return families;
  }();
  return kFamiliesAlone;
}

void write_kube_services(std::string& out, const std::vector<ordered_json>& objects, collectors::Format format) {
  for (const auto& row : kRows) {
    FamilyWriter family(out, row.family.name, row.family.help, row.family.type, format);
    for (const auto& object : objects) {
      if (word_at(object, "/kind") == row.kind) row.write(family, object);
    }
  }
}

}  // namespace mete::agent
