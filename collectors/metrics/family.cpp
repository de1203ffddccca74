// SPDX-License-Identifier: Apache-2.0
#include "collectors/metrics/family.h"

namespace mete::collectors {

std::span<const Family* const> all_families() {
  static const std::vector<const Family*> all = [] {
    std::vector<const Family*> list;
    for (const auto table : {general_families(), cpu_families(), memory_families(), memory_more_families(),
                             pids_families(), process_families(), pressure_families(), io_families(), disk_families(),
                             network_families(), group_families(), lifecycle_families()}) {
      for (const Family& family : table) list.push_back(&family);
    }
    return list;
  }();
  return all;
}

std::string help_of(const Family& family) {
  std::string help(family.help);
  if (family.v1.empty() && family.v2.empty()) return help + '.';
  if (family.v1 == family.v2) return help.append(" (").append(family.v1).append(").");
  help += " (";
  if (!family.v1.empty()) help.append("cgroup v1: ").append(family.v1);
  if (!family.v1.empty() && !family.v2.empty()) help += "; ";
  if (!family.v2.empty()) help.append("cgroup v2: ").append(family.v2);
  return help + ").";
}

std::string help_of(const MachineFamily& family) {
  std::string help(family.help);
  return help.append(" (").append(family.source).append(").");
}

}  // namespace mete::collectors
