// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/app_armor.h"

#include <fcntl.h>

#include "runtime/file.h"

namespace mete::runtime::process {

bool has_app_armor() {
  const auto enabled = read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled");
  return enabled && enabled->starts_with('Y');
}

std::set<std::string> profiles_in(std::string_view text) {
  std::set<std::string> names;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() == text.size() ? text.size() : line.size() + 1);
    const auto mode = line.rfind(" (");  // a name may have blanks and parentheses itself
    if (mode != std::string_view::npos && mode > 0 && line.ends_with(')')) names.emplace(line.substr(0, mode));
  }
  return names;
}

AppArmor read_app_armor() {
  AppArmor app_armor{.enabled = has_app_armor(), .loaded = {}};
  if (app_armor.enabled)
    app_armor.loaded = profiles_in(read_file(AT_FDCWD, "/sys/kernel/security/apparmor/profiles").value_or(""));
  return app_armor;
}

}  // namespace mete::runtime::process
