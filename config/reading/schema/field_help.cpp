// SPDX-License-Identifier: Apache-2.0
#include "config/reading/schema/field_help.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/fields/workload_fields.h"
#include "config/reading/service_reader.h"
#include "config/reading/traffic_reader.h"

namespace mete::config {
namespace {

struct HelpedKind {
  std::string_view word;     // as it is asked for; an "s" may follow, or "ies" for its "y"
  std::string_view brief;    // kubectl's short name
  std::string_view name;     // as manifests have it
  std::string_view version;  // apiVersion
  const ObjectSpec* spec;
};

const std::array kHelpedKinds = std::to_array<HelpedKind>({
    {"pod", "po", "Pod", "v1", &kPodSpec},
    {"deployment", "deploy", "Deployment", "apps/v1", &kDeploymentSpec},
    {"replicaset", "rs", "ReplicaSet", "apps/v1", &kReplicaSetSpec},
    {"replicationcontroller", "rc", "ReplicationController", "v1", &kReplicationControllerSpec},
    {"statefulset", "sts", "StatefulSet", "apps/v1", &kStatefulSetSpec},
    {"daemonset", "ds", "DaemonSet", "apps/v1", &kDaemonSetSpec},
    {"job", "job", "Job", "batch/v1", &kJobSpec},
    {"cronjob", "cj", "CronJob", "batch/v1", &kCronJobSpec},
    {"configmap", "cm", "ConfigMap", "v1", &kConfigMapSpec},
    {"service", "svc", "Service", "v1", &kServiceSpec},
    {"networkpolicy", "netpol", "NetworkPolicy", "networking.k8s.io/v1", &kTrafficPolicySpec},
    {"persistentvolumeclaim", "pvc", "PersistentVolumeClaim", "v1", &kClaimObjectSpec},
    {"secret", "secret", "Secret", "v1", &kSecretSpec},
    {"policy", "policy", "Policy", "mete/v1", &kPolicySpec},
    {"agent", "agent", "agent.yaml", "", &kAgentConfigSpec},
});

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

const HelpedKind* kind_of(std::string_view path) {
  const std::string word = lowered(path.substr(0, path.find('.')));
  for (const auto& kind : kHelpedKinds) {
    std::string many(kind.word);
    if (many.ends_with('y')) many.replace(many.size() - 1, 1, "ie");
    if (word == kind.word || word == kind.brief || word == many + "s") return &kind;
  }
  return nullptr;
}

std::string kubectl_type(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kAny:
      return "Object";
    case FieldType::kString:
      return "string";
    case FieldType::kBool:
      return "boolean";
    case FieldType::kInteger:
    case FieldType::kCount:
      return "integer";
    case FieldType::kIntegerOrString:
      return "IntOrString";
    case FieldType::kCpu:
    case FieldType::kBytes:
      return "Quantity";
    case FieldType::kDuration:
      return "duration";
    case FieldType::kPercent:
      return "percent";
    case FieldType::kFactor:
      return "number or percent";
    case FieldType::kStringList:
      return "[]string";
    case FieldType::kIntegerList:
      return "[]integer";
    case FieldType::kStringMap:
      return "map[string]string";
    case FieldType::kResources:
      return "map[string]Quantity";
    case FieldType::kObject:
      return std::string(field.object->name);
    case FieldType::kObjectList:
      return "[]" + std::string(field.object->name);
  }
  return {};
}

std::string help_of_use(FieldUse use) {
  switch (use) {
    case FieldUse::kInactive:
      return "mete does not act on it yet: a warning.";
    case FieldUse::kRefused:
      return "mete does not act on it yet, and refuses a manifest that asks for it.";
    case FieldUse::kNoMeaning:
      return "It means nothing on one machine.";
    case FieldUse::kIgnored:
      return "It is the API server's own, and not read.";
    case FieldUse::kActive:
      break;
  }
  return {};
}

std::vector<std::string> description(const FieldSpec& field) {
  std::vector<std::string> lines;
  if (!field.doc.empty()) lines.push_back(std::string(field.doc) + ".");
  if (!field.values.empty()) {
    std::string values;
    for (const auto& each : field.values) {
      values += values.empty() ? "" : ", ";
      values += each.empty() ? "\"\"" : std::string(each);
    }
    lines.push_back("One of " + values + ".");
  }
  const bool bounded = field.min != FieldSpec{}.min || field.max != FieldSpec{}.max;
  if (bounded && field.max != FieldSpec{}.max) {
    lines.push_back("From " + std::to_string(field.min) + " to " + std::to_string(field.max) + ".");
  } else if (bounded) {
    lines.push_back("At least " + std::to_string(field.min) + ".");
  }
  if (auto use = help_of_use(field.use); !use.empty()) lines.push_back(std::move(use));
  return lines;
}

void add_lines(std::string& out, std::size_t indent, const FieldSpec& field) {
  for (const auto& line : description(field)) out.append(indent, ' ').append(line).append("\n");
}

std::string fields_text(const ObjectSpec& spec) {
  std::string out = "FIELDS:\n";
  for (const auto& field : spec.fields) {
    out += "  " + std::string(field.name) + "\t<" + kubectl_type(field) + ">" + (field.required ? " -required-" : "") +
           "\n";
    add_lines(out, 4, field);
    out += "\n";
  }
  return out;
}

const FieldSpec* field_named(const ObjectSpec& spec, std::string_view name) {
  const auto at =
      std::find_if(spec.fields.begin(), spec.fields.end(), [&](const auto& each) { return each.name == name; });
  return at == spec.fields.end() ? nullptr : &*at;
}

tl::unexpected<Error> no_such(const ObjectSpec& spec, std::string_view name, std::string_view before) {
  std::vector<std::string_view> names;
  names.reserve(spec.fields.size());
  for (const auto& field : spec.fields) names.push_back(field.name);
  const std::string close = nearest(name, names);
  return fail("field \"" + std::string(name) + "\" does not exist in " + std::string(before) +
              (close.empty() ? "" : ", did you mean \"" + close + "\"?"));
}

}  // namespace

bool names_field(std::string_view path) {
  return kind_of(path) != nullptr;
}

Result<std::string> field_help(std::string_view path) {
  const HelpedKind* kind = kind_of(path);
  if (kind == nullptr) {
    std::string words;
    for (const auto& each : kHelpedKinds) words += (words.empty() ? "" : ", ") + std::string(each.word);
    return fail("found \"" + std::string(path) + "\", expected one of " + words);
  }
  std::string out = "KIND:       " + std::string(kind->name) + "\n";
  if (!kind->version.empty()) out += "VERSION:    " + std::string(kind->version) + "\n";
  const ObjectSpec* spec = kind->spec;
  const FieldSpec* field = nullptr;
  for (std::size_t at = path.find('.'); at != std::string_view::npos;) {
    const auto end = std::min(path.find('.', at + 1), path.size());
    std::string_view name = path.substr(at + 1, end - at - 1);
    if (name.ends_with("[]")) name.remove_suffix(2);
    if (spec == nullptr) return fail(std::string(path.substr(0, at)) + " has no fields");
    field = field_named(*spec, name);
    if (field == nullptr) return no_such(*spec, name, path.substr(0, at));
    spec = field->object;
    at = end == path.size() ? std::string_view::npos : end;
  }
  if (field != nullptr) {
    out += "\nFIELD: " + std::string(field->name) + " <" + kubectl_type(*field) + ">" +
           (field->required ? " -required-" : "") + "\n";
    std::string lines;
    add_lines(lines, 4, *field);
    if (!lines.empty()) out += "\nDESCRIPTION:\n" + lines;
  }
  if (spec != nullptr) out += "\n" + fields_text(*spec);
  return out;
}

}  // namespace mete::config
