// SPDX-License-Identifier: Apache-2.0
#include "config/reading/schema/field_list.h"

#include <limits>

#include "config/reading/fields.h"

namespace mete::config {
namespace {

std::string integer_text(const FieldSpec& field) {
  const bool from = field.min != std::numeric_limits<std::int64_t>::min();
  const bool to = field.max != std::numeric_limits<std::int64_t>::max();
  if (from && to) return "integer, " + std::to_string(field.min) + " to " + std::to_string(field.max);
  if (from) return "integer, at least " + std::to_string(field.min);
  return to ? "integer, at most " + std::to_string(field.max) : "integer";
}

std::string text_text(const FieldSpec& field) {
  std::string text;
  for (const auto value : field.values) text.append(text.empty() ? "" : "|").append(value);
  return text.empty() ? "text" : text;
}

std::string type_text(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kAny:
      return "any";
    case FieldType::kString:
      return text_text(field);
    case FieldType::kBool:
      return "true|false";
    case FieldType::kInteger:
      return integer_text(field);
    case FieldType::kIntegerOrString:
      return "integer or text";
    case FieldType::kCpu:
      return "cores: 1.5, 500m";
    case FieldType::kBytes:
      return "bytes: 512Mi, 2G";
    case FieldType::kCount:
      return "number: 100, 2k";
    case FieldType::kDuration:
      return "duration: 500ms, 2s, 1m";
    case FieldType::kPercent:
      return "percent: 80%";
    case FieldType::kFactor:
      return "factor: 1.2";
    case FieldType::kStringList:
      return "list of text";
    case FieldType::kIntegerList:
      return "list of integers";
    case FieldType::kStringMap:
      return "mapping of text to text";
    case FieldType::kObject:
      return "object";
    case FieldType::kObjectList:
      return "list of objects";
    case FieldType::kResources:
      return "mapping of resources to quantities";
  }
  return {};
}

void append_fields(const ObjectSpec& spec, const std::string& above, std::vector<FieldLine>& lines) {
  for (const auto& field : spec.fields) {
    if (field.use == FieldUse::kIgnored) continue;
    const std::string path = above + std::string(field.name);
    lines.push_back({path, type_text(field), std::string(field.doc), field.required});
    if (field.object == nullptr) continue;
    append_fields(*field.object, path + (field.type == FieldType::kObjectList ? "[]." : "."), lines);
  }
}

}  // namespace

std::vector<FieldLine> agent_field_list() {
  std::vector<FieldLine> lines;
  append_fields(kAgentConfigSpec, "", lines);
  return lines;
}

}  // namespace mete::config
