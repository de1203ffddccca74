// SPDX-License-Identifier: Apache-2.0
// Reads JSON that other programs wrote. A value that is missing or has another type than expected reads as empty. For
// the .cpp files of this folder only; the library's exceptions end here.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "collectors/discovery/identity.h"
#include "runtime/json.h"

namespace mete::collectors {

using Json = nlohmann::json;

// nlohmann::json takes memory for every level of nesting. No runtime's file is nested deeper than this.
inline bool nested_too_deep(std::string_view text) {
  constexpr int kDeepest = 64;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kDeepest) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Malformed JSON gives a null.
inline Json parse_json(const std::string& text) {
  if (nested_too_deep(text)) return {};
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json() : value;
}

inline const Json& at(const Json& value, const char* key) {
  static const Json kNull;
  if (!value.is_object()) return kNull;
  const auto found = value.find(key);
  return found == value.end() ? kNull : *found;
}

inline std::string text_at(const Json& value, const char* key) {
  const Json& found = at(value, key);
  return found.is_string() ? found.get<std::string>() : std::string();
}

inline void add_labels(const Json& labels, Identity& who) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    if (value.is_string()) who.labels.emplace_back(key, value.get<std::string>());
  }
}

inline void set_text(std::string& into, std::string text) {
  if (!text.empty()) into = std::move(text);
}

// The Kubernetes names that dockershim, CRI-O and others keep as labels or annotations.
inline void names_from(const Json& labels, Identity& who) {
  set_text(who.namespace_, text_at(labels, "io.kubernetes.pod.namespace"));
  set_text(who.pod, text_at(labels, "io.kubernetes.pod.name"));
  set_text(who.pod_uid, text_at(labels, "io.kubernetes.pod.uid"));
  set_text(who.container, text_at(labels, "io.kubernetes.container.name"));
}

}  // namespace mete::collectors
