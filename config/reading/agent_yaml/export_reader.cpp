// SPDX-License-Identifier: Apache-2.0
#include "config/reading/agent_yaml/export_reader.h"

#include <array>

namespace mete::config {
namespace {

constexpr std::int64_t kMostCgroups = 1'000'000;

constexpr auto kNamesFields = [] {
  std::array<FieldSpec, kKubeResources.size()> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i)
    fields[i] = {.name = kKubeResources[i], .type = FieldType::kStringList, .doc = "Names of these objects, or '*'"};
  return fields;
}();
constexpr ObjectSpec kNamesSpec = {.name = "KubeNames", .fields = kNamesFields};

constexpr std::array kExportFields = std::to_array<FieldSpec>({
    {.name = "containers", .type = FieldType::kBool, .doc = "Containers and pods of all runtimes"},
    {.name = "slices", .type = FieldType::kBool, .doc = "systemd's slices"},
    {.name = "services", .type = FieldType::kBool, .doc = "systemd's services and scopes"},
    {.name = "other", .type = FieldType::kBool, .doc = "All other cgroups"},
    {.name = "include", .type = FieldType::kStringList, .doc = "Patterns of cgroup paths that are always exported"},
    {.name = "exclude", .type = FieldType::kStringList, .doc = "Patterns of cgroup paths that never are"},
    {.name = "idLabel", .type = FieldType::kBool, .doc = "The label id, the cgroup's path"},
    {.name = "labels", .type = FieldType::kStringList, .doc = "Patterns of container labels"},
    {.name = "maxCgroups", .type = FieldType::kInteger, .min = 1, .max = kMostCgroups, .doc = "At most so many"},
    {.name = "kube", .type = FieldType::kBool, .doc = "The kube_* families, from the manifests"},
    {.name = "kubeLabels",
     .type = FieldType::kObject,
     .object = &kNamesSpec,
     .doc = "Labels of objects that kube_service_labels and the like have, by kind of object"},
    {.name = "kubeAnnotations",
     .type = FieldType::kObject,
     .object = &kNamesSpec,
     .doc = "The same of annotations, kube_service_annotations and the like"},
});

std::map<std::string, std::vector<std::string>> read_names(const View& view) {
  std::map<std::string, std::vector<std::string>> names;
  for (const auto resource : kKubeResources) {
    const View list = view[resource];
    if (!list) continue;
    names[std::string(resource)] = list.texts();
    for (const auto& each : names[std::string(resource)]) {
      if (each.empty() || (each != "*" && each.find('*') != std::string::npos))
        list.error(mismatch("\"" + each + "\"", "the name of a label or annotation, or '*' for all"));
    }
  }
  return names;
}

}  // namespace

const ObjectSpec kExportSpec = {.name = "Export", .fields = kExportFields};

ExportPolicy read_export(const View& view) {
  ExportPolicy policy;
  policy.containers = view["containers"].boolean(policy.containers);
  policy.slices = view["slices"].boolean(policy.slices);
  policy.services = view["services"].boolean(policy.services);
  policy.other = view["other"].boolean(policy.other);
  policy.include = view["include"].texts();
  policy.exclude = view["exclude"].texts();
  policy.id_label = view["idLabel"].boolean(policy.id_label);
  if (view["labels"]) policy.labels = view["labels"].texts();
  policy.most_cgroups = view["maxCgroups"].integer().value_or(policy.most_cgroups);
  policy.kube = view["kube"].boolean(policy.kube);
  policy.kube_labels = read_names(view["kubeLabels"]);
  policy.kube_annotations = read_names(view["kubeAnnotations"]);
  return policy;
}

}  // namespace mete::config
