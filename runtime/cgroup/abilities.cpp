// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/abilities.h"

#include <fcntl.h>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

bool has(const Hierarchies& machine, std::string_view controller) {
  return !machine.mount_of(controller).empty();
}

bool only_v2(const Hierarchies& machine, std::string_view controller) {
  return machine.on_v2(controller) && !machine.on_v1(controller);
}

}  // namespace

bool has_cpu(const Hierarchies& machine) {
  return has(machine, "cpu");
}
bool has_memory(const Hierarchies& machine) {
  return has(machine, "memory");
}
bool has_pids(const Hierarchies& machine) {
  return has(machine, "pids");
}
bool has_io(const Hierarchies& machine) {
  return has(machine, "blkio") || has(machine, "io");
}
bool has_huge_pages(const Hierarchies& machine) {
  return has(machine, "hugetlb");
}
bool has_net_class(const Hierarchies& machine) {
  return has(machine, "net_cls");
}

bool can_wait_out_of_memory(const Hierarchies& machine) {
  return machine.on_v1("memory");
}
bool has_memory_high(const Hierarchies& machine) {
  return only_v2(machine, "memory");
}
bool has_memory_min(const Hierarchies& machine) {
  return only_v2(machine, "memory");
}
bool has_oom_group(const Hierarchies& machine) {
  return only_v2(machine, "memory");
}
bool has_usage_thresholds(const Hierarchies& machine) {
  return machine.on_v1("memory");
}
bool limit_makes_room(const Hierarchies& machine) {
  return machine.on_v1("memory");
}
bool refused_forks_are_silent(const Hierarchies& machine) {
  return machine.on_v1("pids");
}
bool units_take_memory_max(const Hierarchies& machine) {
  return !machine.on_v1("memory");
}

std::vector<std::string> enabled_controllers(const Group& group) {
  std::vector<std::string> enabled;
  const std::string unified = group.unified_directory();
  if (unified.empty()) return enabled;
  const auto text = read_file(AT_FDCWD, unified + "/cgroup.controllers");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) enabled.emplace_back(word);
  return enabled;
}

}  // namespace mete::runtime::cgroup
