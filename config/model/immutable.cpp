// SPDX-License-Identifier: Apache-2.0
#include "config/model/immutable.h"

#include <algorithm>

namespace mete::config {
namespace {

bool same_data(const ConfigMap& a, const ConfigMap& b) {
  return a.data == b.data && a.binary_data == b.binary_data;
}
bool same_data(const Secret& a, const Secret& b) {
  return a.data == b.data && a.type == b.type;
}

template <class Object>
void compare(const std::vector<Object>& before, const std::vector<Object>& after, const char* kind,
             std::vector<Diagnostic>& errors) {
  for (const auto& now : after) {
    const std::string name = full_name(now.metadata);
    const auto old = std::find_if(before.begin(), before.end(),
                                  [&](const Object& each) { return full_name(each.metadata) == name; });
    if (old == before.end() || !old->immutable || (now.immutable && same_data(*old, now))) continue;
    Diagnostic error;
    error.location = now.location;
    error.object = std::string(kind) + " " + name;
    error.field = now.immutable ? "data" : "immutable";
    error.message = "field is immutable when `immutable` is set; delete the " + std::string(kind) + " to make it anew";
    error.found = now.immutable ? "other data" : "`immutable` taken back";
    error.expected = "the object as it was";
    errors.push_back(std::move(error));
  }
}

}  // namespace

std::vector<Diagnostic> forbidden_changes(const Documents& before, const Documents& after) {
  std::vector<Diagnostic> errors;
  compare(before.config_maps, after.config_maps, "ConfigMap", errors);
  compare(before.secrets, after.secrets, "Secret", errors);
  return errors;
}

}  // namespace mete::config
