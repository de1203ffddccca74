// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/app_armor.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace mete::runtime::pod {
namespace {

using Type = config::AppArmorProfile::Type;

std::optional<config::AppArmorProfile> asked_profile(const config::PodSpec& spec, const config::Container& container) {
  const auto& own = container.security->app_armor;
  return own ? own : spec.security->app_armor;
}

template <class See>
bool any_container(const config::PodSpec& spec, See see) {
  return std::any_of(spec.init_containers.begin(), spec.init_containers.end(), see) ||
         std::any_of(spec.containers.begin(), spec.containers.end(), see);
}

}  // namespace

Result<std::string> app_armor_profile(const config::PodSpec& spec, const config::Container& container,
                                      const process::AppArmor& kernel) {
  const auto asked = asked_profile(spec, container);
  if (!asked) return std::string();
  if (asked->type == Type::kUnconfined) return std::string(kernel.enabled ? "unconfined" : "");
  if (!kernel.enabled) return fail("AppArmor is not enabled on the host");
  const auto is_loaded = [&](const std::string& name) { return kernel.loaded.contains(name); };
  if (asked->type == Type::kLocalhost) {
    if (is_loaded(asked->name)) return asked->name;
    return fail("profile \"" + asked->name + "\" is not loaded");
  }
  if (container.security->privileged) return std::string();  // as in containerd
  const auto* const found = std::find_if(std::begin(kDefaultProfiles), std::end(kDefaultProfiles), is_loaded);
  if (found != std::end(kDefaultProfiles)) return std::string(*found);
  return fail("profile \"" + std::string(kDefaultProfiles[0]) + "\" is not loaded");
}

bool asks_for_app_armor(const config::PodSpec& spec) {
  return any_container(spec, [&](const config::Container& each) {
    const auto asked = asked_profile(spec, each);
    return asked && asked->type != Type::kUnconfined;
  });
}

std::string app_armor_fault(const config::PodSpec& spec, const process::AppArmor& kernel) {
  std::string fault;
  (void)any_container(spec, [&](const config::Container& each) {
    const auto profile = app_armor_profile(spec, each, kernel);
    if (!profile) fault = "Pod Cannot enforce AppArmor: " + profile.error().what;
    return !profile;
  });
  return fault;
}

}  // namespace mete::runtime::pod
