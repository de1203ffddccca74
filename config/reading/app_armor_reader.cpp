// SPDX-License-Identifier: Apache-2.0
// AppArmor profiles: the field, and the annotation that is older.
#include <algorithm>

#include "config/model/diagnostics.h"
#include "config/reading/fields.h"
#include "config/reading/readers.h"

namespace mete::config {
namespace {

Status check_profile_name(std::string_view name) {
  constexpr std::size_t kLongest = 4095;  // as Kubernetes has it
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c >= ' ' && c != 0x7F; });
  if (plain && name.size() <= kLongest && !name.starts_with(' ') && !name.ends_with(' ')) return {};
  return fail("found \"" + std::string(name.substr(0, 100)) +
              "\", expected a profile's name of at most 4095 characters, without blanks around it");
}

constexpr std::string_view kAppArmorAnnotation = "container.apparmor.security.beta.kubernetes.io/";

std::optional<AppArmorProfile> profile_in_annotation(const View& value) {
  constexpr std::string_view kLocalhost = "localhost/";
  using Type = AppArmorProfile::Type;
  const std::string text = value.text();
  if (text == "runtime/default") return AppArmorProfile{Type::kRuntimeDefault};
  if (text == "unconfined") return AppArmorProfile{Type::kUnconfined};
  if (!text.starts_with(kLocalhost) || text.size() == kLocalhost.size()) {
    if (!text.empty())
      value.error(mismatch(describe(value.node()), "runtime/default, unconfined or localhost/PROFILE"));
    return std::nullopt;
  }
  AppArmorProfile profile{Type::kLocalhost, text.substr(kLocalhost.size())};
  value.check(check_profile_name(profile.name));
  return profile;
}

}  // namespace

std::optional<AppArmorProfile> read_app_armor(const View& view) {
  if (!view) return std::nullopt;
  const View name = view["localhostProfile"];
  AppArmorProfile profile{read_enum(view["type"], kProfileNames, AppArmorProfile::Type::kRuntimeDefault), name.text()};
  const bool by_name = profile.type == AppArmorProfile::Type::kLocalhost;
  if (by_name && profile.name.find_first_not_of(" \t") == std::string::npos) {
    view["type"].error(mismatch("Localhost without `localhostProfile`", "the name of a profile that is loaded"));
  } else if (by_name) {
    name.check(check_profile_name(profile.name));
  } else if (!profile.name.empty()) {
    name.error(mismatch("`localhostProfile` with type " + view["type"].text(), "it with type Localhost only"));
  }
  return profile;
}

// The annotation is older than the field, which counts before it (Kubernetes copies one to the other).
void take_app_armor_annotations(const View& annotations, PodSpec& spec) {
  for (const auto& [key, value] : annotations.entries()) {
    if (!key.starts_with(kAppArmorAnnotation)) continue;
    const std::string name = key.substr(kAppArmorAnnotation.size());
    const auto profile = profile_in_annotation(value);
    bool found = false;
    for (auto* list : {&spec.init_containers, &spec.containers}) {
      for (auto& container : *list) {
        if (container.name != name) continue;
        found = true;
        if (profile && !container.security->app_armor) container.security.edit().app_armor = *profile;
      }
    }
    if (!found) value.error({"container not found", "`" + name + "`", "the name of a container of this Pod"});
  }
}

}  // namespace mete::config
