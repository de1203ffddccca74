// SPDX-License-Identifier: Apache-2.0
#include "config/reading/yaml/json_text.h"

#include <cstdio>

#include "config/reading/yaml/scalar.h"

namespace mete::config {
namespace {

void add_quoted(std::string& out, const std::string& text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

// -? digits [. digits] [e [+-] digits], without a zero before other digits
bool is_json_number(const std::string& text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  const std::size_t begin = at;
  if (!digits() || (text[begin] == '0' && at > begin + 1)) return false;
  if (at < text.size() && text[at] == '.' && (++at, !digits())) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

void add_scalar(std::string& out, const YamlNode& node) {
  switch (scalar_type(node)) {
    case ScalarType::kNull:
      out += "null";
      return;
    case ScalarType::kBool:
      out += *as_bool(node) ? "true" : "false";
      return;
    case ScalarType::kInteger:
      if (const auto value = as_integer(node)) {
        out += std::to_string(*value);
        return;
      }
      break;
    case ScalarType::kFloat:
      if (is_json_number(node.text)) {
        out += node.text;
        return;
      }
      break;
    case ScalarType::kString:
      break;
  }
  add_quoted(out, node.text);
}

void add(std::string& out, const YamlNode& node) {
  bool first = true;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      out += "null";
      return;
    case YamlNode::Kind::kScalar:
      return add_scalar(out, node);
    case YamlNode::Kind::kList:
      out += '[';
      for (const auto& item : node.items) {
        if (!first) out += ',';
        first = false;
        add(out, item);
      }
      out += ']';
      return;
    case YamlNode::Kind::kMap:
      out += '{';
      for (const auto& entry : node.entries) {
        if (!first) out += ',';
        first = false;
        add_quoted(out, entry.key);
        out += ':';
        add(out, entry.value);
      }
      out += '}';
      return;
  }
}

}  // namespace

std::string json_text(const YamlNode& node) {
  std::string out;
  add(out, node);
  return out;
}

}  // namespace mete::config
