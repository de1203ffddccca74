// SPDX-License-Identifier: Apache-2.0
// AppArmor of this kernel (Documentation/admin-guide/LSM/apparmor.rst).
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace mete::runtime::process {

// True when the kernel has AppArmor and it is enabled.
[[nodiscard]] bool has_app_armor();

struct AppArmor {
  bool enabled = false;
  std::set<std::string>
      loaded;  // names of profiles; those of a namespace as ":NAMESPACE://NAME", as the kernel has them
};
// Without securityfs mounted nothing is loaded, as far as can be told.
[[nodiscard]] AppArmor read_app_armor();

// The names in a text as /sys/kernel/security/apparmor/profiles has it: "NAME (MODE)" on each line. Pure.
[[nodiscard]] std::set<std::string> profiles_in(std::string_view text);

}  // namespace mete::runtime::process
