// SPDX-License-Identifier: Apache-2.0
#include "config/reading/schema/json_schema.h"

#include <limits>
#include <map>

#include "config/reading/fields.h"
#include "config/reading/fields/workload_fields.h"
#include "config/reading/service_reader.h"
#include "config/reading/traffic_reader.h"
#include "config/reading/yaml/quoted.h"

namespace mete::config {
namespace {

constexpr std::string_view kQuantity =
    R"("type": ["string", "number"], "pattern": "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$")";
constexpr std::string_view kDuration = R"("type": "string", "pattern": "^([0-9]+(\\.[0-9]*)?(ns|us|ms|s|m|h|d))+$")";
constexpr std::string_view kPercent = R"("type": "string", "pattern": "^[0-9]+(\\.[0-9]*)?%$")";

std::string reference(const ObjectSpec& spec) {
  return "\"$ref\": " + quoted("#/definitions/" + std::string(spec.name));
}

std::string integer(const FieldSpec& field) {
  std::string text = R"("type": "integer")";
  if (field.min != std::numeric_limits<std::int64_t>::min()) text += ", \"minimum\": " + std::to_string(field.min);
  if (field.max != std::numeric_limits<std::int64_t>::max()) text += ", \"maximum\": " + std::to_string(field.max);
  return text;
}

std::string text_type(const FieldSpec& field) {
  std::string text = R"("type": "string")";
  if (field.values.empty()) return text;
  text += ", \"enum\": [";
  for (std::size_t i = 0; i < field.values.size(); ++i) text += (i > 0 ? ", " : "") + quoted(field.values[i]);
  return text + "]";
}

std::string type_of(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kAny:
      return "";
    case FieldType::kString:
      return text_type(field);
    case FieldType::kBool:
      return R"("type": "boolean")";
    case FieldType::kInteger:
      return integer(field);
    case FieldType::kIntegerOrString:
      return R"("type": ["integer", "string"])";
    case FieldType::kCpu:
    case FieldType::kBytes:
    case FieldType::kCount:
      return std::string(kQuantity);
    case FieldType::kDuration:
      return std::string(kDuration);
    case FieldType::kPercent:
      return std::string(kPercent);
    case FieldType::kFactor:
      return R"("type": ["number", "string"])";
    case FieldType::kStringList:
      return R"("type": "array", "items": {"type": "string"})";
    case FieldType::kIntegerList:
      return R"("type": "array", "items": {)" + integer(field) + "}";
    case FieldType::kStringMap:
      return R"("type": "object", "additionalProperties": {"type": "string"})";
    case FieldType::kObject:
      return reference(*field.object);
    case FieldType::kObjectList:
      return R"("type": "array", "items": {)" + reference(*field.object) + "}";
    case FieldType::kResources:
      return R"("type": "object", "additionalProperties": {)" + std::string(kQuantity) + "}";
  }
  return "";
}

std::string_view use_text(FieldUse use) {
  switch (use) {
    case FieldUse::kInactive:
      return "mete does not act on it yet";
    case FieldUse::kRefused:
      return "mete refuses it, as it cannot do that yet";
    case FieldUse::kNoMeaning:
      return "Without meaning on one machine";
    case FieldUse::kActive:
    case FieldUse::kIgnored:
      break;
  }
  return {};
}

std::string property(const FieldSpec& field) {
  std::string text = type_of(field);
  std::string doc(field.doc);
  const std::string_view note = use_text(field.use);
  if (!note.empty()) doc += std::string(doc.empty() ? "" : ". ") + std::string(note);
  if (!doc.empty()) text += (text.empty() ? "" : ", ") + ("\"description\": " + quoted(doc));
  return quoted(field.name) + ": {" + text + "}";
}

class SchemaWriter {
 public:
  std::string write(const ObjectSpec& root) {
    collect(root);
    return write(root.name, reference(root));
  }
  // A file of any of these kinds.
  std::string write(std::string_view title, std::span<const ObjectSpec* const> roots) {
    std::string any;
    for (const ObjectSpec* root : roots) {
      collect(*root);
      any += (any.empty() ? "{" : ", {") + reference(*root) + "}";
    }
    return write(title, "\"oneOf\": [" + any + "]");
  }

 private:
  std::string write(std::string_view title, const std::string& root) {
    std::string text = "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n";
    text += "  \"title\": " + quoted(title) + ",\n  " + root + ",\n  \"definitions\": {\n";
    bool first = true;
    for (const auto& [name, spec] : specs_) {
      text += (first ? "" : ",\n") + definition(*spec);
      first = false;
    }
    return text + "\n  }\n}\n";
  }

  void collect(const ObjectSpec& spec) {
    if (!specs_.emplace(spec.name, &spec).second) return;
    for (const auto& field : spec.fields) {
      if (field.object != nullptr) collect(*field.object);
    }
  }

  static std::string definition(const ObjectSpec& spec) {
    std::string text = "    " + quoted(spec.name) + ": {\n      \"type\": \"object\",\n";
    text += "      \"additionalProperties\": false,\n";
    std::string required;
    for (const auto& field : spec.fields) {
      if (field.required) required += (required.empty() ? "" : ", ") + quoted(field.name);
    }
    if (!required.empty()) text += "      \"required\": [" + required + "],\n";
    text += "      \"properties\": {\n";
    for (std::size_t i = 0; i < spec.fields.size(); ++i) {
      text += "        " + property(spec.fields[i]) + (i + 1 < spec.fields.size() ? ",\n" : "\n");
    }
    return text + "      }\n    }";
  }

  std::map<std::string_view, const ObjectSpec*> specs_;
};

}  // namespace

std::string pod_schema() {
  return SchemaWriter().write(kPodSpec);
}
std::string workload_schema() {
  const ObjectSpec* const kinds[] = {&kDeploymentSpec, &kReplicaSetSpec, &kStatefulSetSpec,          &kDaemonSetSpec,
                                     &kJobSpec,        &kCronJobSpec,    &kReplicationControllerSpec};
  return SchemaWriter().write("Workload", kinds);
}
std::string service_schema() {
  const ObjectSpec* const kinds[] = {&kServiceSpec, &kTrafficPolicySpec};
  return SchemaWriter().write("Service", kinds);
}
std::string policy_schema() {
  return SchemaWriter().write(kPolicySpec);
}
std::string agent_schema() {
  return SchemaWriter().write(kAgentConfigSpec);
}

}  // namespace mete::config
