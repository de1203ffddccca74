// SPDX-License-Identifier: Apache-2.0
#include "config/convert/value.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "config/reading/yaml/scalar.h"
#include "config/reading/yaml/yaml_tree.h"

namespace mete::config {
namespace {

// "64Mi"
bool is_binary_size(const std::string& text) {
  const auto end = text.find_first_not_of("0123456789");
  constexpr std::string_view kUnits = "KMGTPE";
  return end != 0 && end != std::string::npos && end + 2 == text.size() && text.back() == 'i' &&
         kUnits.find(text[end]) != std::string_view::npos;
}

// Text that no reader of YAML takes for anything else.
bool needs_no_quotes(const std::string& text) {
  if (is_binary_size(text)) return true;
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '/' || c == '_' || c == '.' || c == '-' || c == ' ' || c == '=' || c == ',';
  };
  if (text.empty() || !std::all_of(text.begin(), text.end(), fits)) return false;
  const auto first = static_cast<unsigned char>(text.front());
  if ((std::isalpha(first) == 0 && first != '/') || text.back() == ' ') return false;
  YamlNode node;
  node.kind = YamlNode::Kind::kScalar;
  node.plain = true;
  node.text = text;
  if (scalar_type(node) != ScalarType::kString) return false;
  // YAML 1.1, which other programs read.
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr const char* kOtherWords[] = {"y", "n", "yes", "no", "on", "off"};
  return std::find(std::begin(kOtherWords), std::end(kOtherWords), lower) == std::end(kOtherWords);
}

}  // namespace

std::string yaml_scalar(const std::string& text) {
  if (needs_no_quotes(text)) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

Value& Value::operator[](const std::string& key) {
  if (!std::holds_alternative<Map>(content_)) content_ = Map();
  auto& map = std::get<Map>(content_);
  const auto at = std::find_if(map.begin(), map.end(), [&](const auto& each) { return each.first == key; });
  return at != map.end() ? at->second : map.emplace_back(key, Value()).second;
}

void Value::push(Value item) {
  if (!std::holds_alternative<List>(content_)) content_ = List();
  std::get<List>(content_).push_back(std::move(item));
}

void Value::append(Value more) {
  if (auto* list = std::get_if<List>(&more.content_)) {
    for (auto& item : *list) push(std::move(item));
  }
}

bool Value::empty() const {
  if (const auto* list = std::get_if<List>(&content_)) return list->empty();
  if (const auto* map = std::get_if<Map>(&content_))
    return std::all_of(map->begin(), map->end(), [](const auto& each) { return each.second.empty(); });
  return std::holds_alternative<std::monostate>(content_);
}

std::string Value::scalar() const {
  if (const auto* word = std::get_if<Word>(&content_)) return word->text;
  return yaml_scalar(std::get<std::string>(content_));
}

void Value::write(std::string& out, std::size_t indent) const {
  if (std::holds_alternative<List>(content_)) {
    out += "\n";
    write_list(out, indent);
  } else if (std::holds_alternative<Map>(content_)) {
    out += "\n";
    write_map(out, indent + 2, false);
  } else {
    out += " " + scalar() + "\n";
  }
}

// As kubectl writes it: items stand in the column of their key.
void Value::write_list(std::string& out, std::size_t indent) const {
  for (const auto& item : std::get<List>(content_)) {
    out += std::string(indent, ' ') + "-";
    if (std::holds_alternative<Map>(item.content_)) {
      out += " ";
      item.write_map(out, indent + 2, true);
    } else {
      item.write(out, indent + 2);
    }
  }
}

void Value::write_map(std::string& out, std::size_t indent, bool behind_dash) const {
  bool first = behind_dash;
  for (const auto& [key, value] : std::get<Map>(content_)) {
    if (value.empty()) continue;
    out += (first ? "" : std::string(indent, ' ')) + yaml_scalar(key) + ":";
    first = false;
    value.write(out, indent);
  }
}

std::string Value::yaml() const {
  std::string out;
  if (std::holds_alternative<Map>(content_)) write_map(out, 0, false);
  return out;
}

}  // namespace mete::config
