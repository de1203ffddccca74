// SPDX-License-Identifier: Apache-2.0
#include "agent/self/own_cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/process_files.h"
#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::agent {
namespace {

using runtime::cgroup::Group;

// The agent's counter files, its records and the pages of its binary, with some reserve.
constexpr Bytes kProtected{64 << 20};

Result<std::string> own_path() {
  METE_TRY(const std::string text, runtime::read_file(AT_FDCWD, "/proc/self/cgroup", 1U << 16U));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = runtime::cgroup::next_line(rest);
    if (line.starts_with("0::")) return std::string(line.substr(3));
  }
  return fail("/proc/self/cgroup: found no cgroup2");
}

Status protect(const Group& group) {
  runtime::cgroup::Limits limits;
  limits.memory_min = runtime::cgroup::Limit<Bytes>(kProtected);
  if (const auto applied = group.apply(limits); !applied) return tl::unexpected(applied.error());
  return {};
}

}  // namespace

Status OwnCgroup::enter(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) {
  if (!runtime::cgroup::has_memory_min(hierarchies)) return {};
  METE_TRY(const std::string present, own_path());
  if (present != "/" && present != path) {
    METE_TRY(const Group group, Group::at(hierarchies, present));
    METE_TRY(const auto processes, group.processes());
    if (processes.size() > 1) return fail("it shares cgroup " + present + " with others, which would be protected too");
    return protect(group);
  }
  METE_TRY(const Group group, Group::at(hierarchies, path));
  METE_CHECK(group.create());
  METE_CHECK(protect(group));
  METE_CHECK(group.attach(::getpid()));
  hierarchies_ = &hierarchies;
  path_ = path;
  return {};
}

// Shims of containers that keep running stay in the group, and the next agent enters it again.
OwnCgroup::~OwnCgroup() {
  if (hierarchies_ == nullptr) return;
  if (const auto root = Group::at(*hierarchies_, "/")) (void)runtime::cgroup::attach_unified(*root, ::getpid());
  if (const auto group = Group::at(*hierarchies_, path_)) (void)group->remove();
}

}  // namespace mete::agent
