// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/go_template.h"

namespace mete::agent::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// ".A.B" -> {"A", "B"}; "." -> {}
Result<std::vector<std::string>> path_of(std::string_view text, std::string_view whole) {
  const auto bad = [&] {
    return fail("--format: found {{" + std::string(whole) + "}}, expected {{.Field}} or {{json .Field}}");
  };
  std::vector<std::string> path;
  if (!text.starts_with('.')) return bad();
  if (text == ".") return path;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('.', at + 1), text.size());
    const std::string_view name = text.substr(at + 1, end - at - 1);
    if (name.empty() || name.find_first_of(" |()\"$`") != std::string_view::npos) return bad();
    path.emplace_back(name);
    at = end;
  }
  return path;
}

std::string go_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<nil>";
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, each] : value.items())
    text += (text.empty() ? "" : " ") + (value.is_object() ? key + ":" : "") + go_text(each);
  return (value.is_object() ? "map[" : "[") + text + "]";
}

// Docker lets a shell's quoted \\t and \\n stand for the characters.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == 't' || next == 'n') {
      out += next == 't' ? '\t' : '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Result<GoTemplate> GoTemplate::parse(std::string_view text) {
  GoTemplate made;
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open != 0) {
      made.parts_.push_back({unescaped(text.substr(0, open)), {}});
      if (open == std::string_view::npos) break;
      text.remove_prefix(open);
    }
    const auto close = text.find("}}");
    if (close == std::string_view::npos) return fail("--format: found {{ without }}, expected both");
    const std::string_view whole = text.substr(2, close - 2);
    std::string_view inside = trimmed(whole);
    Part part;
    part.is_field = true;
    if (inside.starts_with("json ")) {
      part.as_json = true;
      inside = trimmed(inside.substr(5));
    }
    METE_TRY(part.path, path_of(inside, whole));
    made.parts_.push_back(std::move(part));
    text.remove_prefix(close + 2);
  }
  return made;
}

Result<std::string> GoTemplate::fill(const Json& value) const {
  std::string out;
  for (const Part& part : parts_) {
    const Json* at = &value;
    for (const std::string& name : part.path) {
      if (!at->is_object() || !at->contains(name))
        return fail("--format: found the field ." + name + ", expected one that is there");
      at = &(*at)[name];
    }
    if (!part.is_field) {
      out += part.text;
    } else {
      out += part.as_json ? at->dump(-1, ' ', false, Json::error_handler_t::replace) : go_text(*at);
    }
  }
  return out;
}

}  // namespace mete::agent::cli
