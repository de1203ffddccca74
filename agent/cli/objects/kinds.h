// SPDX-License-Identifier: Apache-2.0
// Kinds as kubectl names them, and their tables. Pure: JSON in the shape of Kubernetes' API to text.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/json.h"

namespace mete::agent::cli {

using Json = nlohmann::ordered_json;

struct KindName {
  std::string_view plural;    // "deployments", in addresses of the API
  std::string_view singular;  // "deployment"
  std::string_view brief;     // "deploy"
  std::string_view kind;      // "Deployment"
  std::string_view group;     // ".apps"; empty: none
};

// Null: no such kind. Any of its names will do, also "deployment.apps".
[[nodiscard]] const KindName* kind_named(std::string_view name);
[[nodiscard]] const KindName* kind_of(const Json& object);
// All names of kinds, for messages.
[[nodiscard]] std::string kind_names();

struct TableStyle {
  bool wide = false;
  bool namespaces = false;  // with a column NAMESPACE
  bool labels = false;      // with a column LABELS
  bool prefixed = false;    // deployment.apps/web
};
// kubectl's columns. All objects are of one kind.
[[nodiscard]] std::string kind_table(const KindName& kind, const std::vector<Json>& objects, const TableStyle& style);

// "deployment.apps/web"
[[nodiscard]] std::string full_object_name(const KindName& kind, const std::string& name);

// Null: it is missing.
[[nodiscard]] const Json* member_at(const Json& object, std::initializer_list<const char*> path);
// The text at a path of members; empty when it is missing.
[[nodiscard]] std::string text_at(const Json& object, std::initializer_list<const char*> path);
// Empty where there is no list.
[[nodiscard]] const Json& list_at(const Json& object, std::initializer_list<const char*> path);
[[nodiscard]] std::int64_t number_at(const Json& object, std::initializer_list<const char*> path,
                                     std::int64_t fallback = 0);

// -l, as config/model/selector_text.h reads it: "app=web,tier!=db,track,zone in (a,b)"; empty: all. The error names
// what is none.
[[nodiscard]] Status check_selector(const std::string& selector);
[[nodiscard]] Result<bool> selected(const Json& object, const std::string& selector);

}  // namespace mete::agent::cli
