// SPDX-License-Identifier: Apache-2.0
#include "config/reading/identity_text.h"

#include <algorithm>
#include <map>

#include "config/reading/yaml/quoted.h"

namespace mete::config {
namespace {

// Empty for what says nothing. `but`: FieldSpec::in_place; `path`: of the view, from the field on.
std::string value_text(const View& view, std::span<const std::string_view> but, const std::string& path = "") {
  if (!view || std::find(but.begin(), but.end(), path) != but.end()) return {};
  if (view.node().kind == YamlNode::Kind::kMap) {
    std::map<std::string, std::string> sorted;
    for (const auto& [key, value] : view.entries())
      sorted[key] = value_text(value, but, path.empty() ? key : path + "." + key);
    std::string out;
    for (const auto& [key, text] : sorted) {
      if (!text.empty()) out += (out.empty() ? "" : ",") + quoted(key) + ":" + text;
    }
    return out.empty() ? out : "{" + out + "}";
  }
  if (view.node().kind == YamlNode::Kind::kList) {
    std::string out;
    for (const auto& item : view.items())
      out += (out.empty() ? "" : ",") + (item ? value_text(item, but, path) : "null");
    return out.empty() ? out : "[" + out + "]";
  }
  const std::string text = view.text();
  return text.empty() || as_bool(view.node()) == false ? std::string() : quoted(text);
}

bool is_harmless(const View& view, const FieldSpec& field) {
  return view.node().kind == YamlNode::Kind::kScalar &&
         std::find(field.harmless.begin(), field.harmless.end(), view.node().text) != field.harmless.end();
}

}  // namespace

std::string identity_text(const View& view, const ObjectSpec& spec) {
  std::string out;
  for (const auto& field : spec.fields) {
    const View child = view[field.name];
    if (!child || field.use != FieldUse::kActive) continue;
    if (field.identity_by_text) {
      if (is_harmless(child, field)) continue;
      if (const std::string text = value_text(child, field.in_place); !text.empty())
        out += child.path() + "=" + text + "\n";
    } else if (field.type == FieldType::kObject) {
      out += identity_text(child, *field.object);
    } else if (field.type == FieldType::kObjectList) {
      for (const auto& item : child.items()) out += identity_text(item, *field.object);
    }
  }
  return out;
}

}  // namespace mete::config
