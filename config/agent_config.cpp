// SPDX-License-Identifier: Apache-2.0
#include "config/agent_config.h"

#include <array>
#include <utility>

#include "config/fields.h"
#include "config/shape.h"
#include "config/view.h"
#include "config/yaml_tree.h"

namespace mete::config {
namespace {

constexpr std::int64_t kMostCgroups = 1'000'000;

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
});
constexpr ObjectSpec kExportSpec = {.name = "Export", .fields = kExportFields};

constexpr std::array kCollectorFields = std::to_array<FieldSpec>({
    {.name = "enable", .type = FieldType::kStringList, .doc = "Collectors that are off by default"},
    {.name = "disable", .type = FieldType::kStringList, .doc = "Collectors that are on by default"},
});
constexpr ObjectSpec kCollectorsSpec = {.name = "Collectors", .fields = kCollectorFields};

constexpr std::array kFields = std::to_array<FieldSpec>({
    {.name = "collectors", .type = FieldType::kObject, .object = &kCollectorsSpec, .doc = "What is read"},
    {.name = "export", .type = FieldType::kObject, .object = &kExportSpec, .doc = "What is exported"},
});
constexpr ObjectSpec kSpec = {.name = "AgentConfig", .fields = kFields};

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
  return policy;
}

}  // namespace

AgentConfigFile read_agent_config(std::string_view text, std::string_view file) {
  AgentConfigFile result;
  Documents out;
  Report report{out, std::string(file), ""};
  auto wrong = check_text(text, 1);
  if (wrong.empty()) {
    const auto tree = parse_document(text, 1);
    if (tree) {
      const View view(&*tree, "", report);
      if (view) check_shape(view, kSpec, "is not acted on yet");
      if (view && out.errors.empty()) {
        result.config.exported = read_export(view["export"]);
        result.config.collectors = {view["collectors"]["enable"].texts(), view["collectors"]["disable"].texts()};
      }
    } else {
      wrong.push_back(tree.error());
    }
  }
  for (const ParseError& error : wrong) {
    out.errors.push_back({{report.file, error.line, error.column}, "", "", error.message, "", "", ""});
  }
  result.errors = std::move(out.errors);
  return result;
}

}  // namespace mete::config
