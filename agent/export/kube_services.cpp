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
    for (const auto& port : list_at(subset, "/ports")) {
      LabelBlock labels = labels_of(object, "endpoint");
      labels.add("port_name", word_at(port, "/name"));
      labels.add("port_protocol", word_at(port, "/protocol"));
      labels.add("port_number", std::to_string(port.value("port", 0)));
      out.add(labels, std::uint64_t{1});
    }
  }
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

constexpr auto kGaugeOf = collectors::MetricType::kGauge;

constexpr std::array kRows = std::to_array<Row>({
    {{"kube_service_created", kGaugeOf, "When it was made, in seconds since 1970.", "namespace,service"},
     "Service",
     service_created},
    {{"kube_service_info", kGaugeOf, "1, with its address.",
      "namespace,service,cluster_ip,external_name,load_balancer_ip"},
     "Service",
     service_info},
    {{"kube_service_spec_type", kGaugeOf, "1, with its type.", "namespace,service,type"}, "Service", service_type},
    {{"kube_endpoint_created", kGaugeOf, "When the Service was made, in seconds since 1970.", "namespace,endpoint"},
     "Endpoints",
     endpoint_created},
    {{"kube_endpoint_info", kGaugeOf, "1 for each Service.", "namespace,endpoint"}, "Endpoints", endpoint_info},
    {{"kube_endpoint_address", kGaugeOf, "1 for each pod that a Service selects.", "namespace,endpoint,ip,ready"},
     "Endpoints",
     endpoint_address},
    {{"kube_endpoint_ports", kGaugeOf, "1 for each port that a Service leads to.",
      "namespace,endpoint,port_name,port_protocol,port_number"},
     "Endpoints",
     endpoint_ports},
    {{"kube_networkpolicy_spec_ingress_rules", kGaugeOf, "Rules of what comes in.", "namespace,networkpolicy"},
     "NetworkPolicy",
     policy_ingress},
    {{"kube_networkpolicy_spec_egress_rules", kGaugeOf, "Rules of what goes out.", "namespace,networkpolicy"},
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
