// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/enter.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/process/plan.h"

namespace mete::runtime::process {

namespace {

void change(Plan& plan, const EnterChanges& changes) {
  for (const auto& each : changes.env) {
    const std::string name = each.substr(0, each.find('=') + 1);
    std::erase_if(plan.env, [&](const std::string& other) { return other.starts_with(name); });
    plan.env.push_back(each);
  }
  if (!changes.uid) return;
  auto& identity = plan.identity;
  identity.uid = *changes.uid;
  identity.gid = changes.gid;
  identity.additional_gids = changes.groups;
  // As at the container's start: root has what the container may have, another user nothing.
  auto& sets = identity.capabilities;
  sets.effective = sets.permitted = identity.uid == 0 ? sets.bounding : 0;
}

}  // namespace

Result<Plan> make_enter_plan(const Plan& container, const EnterSpec& spec) {
  if (spec.args.empty() || spec.args.front().empty()) return fail("command: found none, expected at least one word");
  Plan plan;
  plan.cgroup = container.cgroup;
  plan.identity = container.identity;
  plan.args = spec.args;
  plan.env = container.env;
  change(plan, spec.changes);
  if (spec.terminal && std::none_of(plan.env.begin(), plan.env.end(),
                                    [](const std::string& each) { return each.starts_with("TERM="); })) {
    plan.env.emplace_back("TERM=xterm");
  }
  plan.has_oom_score_adj = container.has_oom_score_adj;
  plan.oom_score_adj = container.oom_score_adj;
  // A `process` may have its own scheduling, IO priority and affinity; personality and memory policy are the
  // container's.
  plan.tuning = spec.tuning.value_or(container.tuning);
  plan.tuning.personality = container.tuning.personality;
  plan.tuning.memory_policy = container.tuning.memory_policy;
  add_cgroup_entry(plan.tuning, plan.ops);
  for (const auto& op : container.ops) {
    if (std::holds_alternative<JoinKeyring>(op)) plan.ops.push_back(op);
  }
  if (!plan.identity.apparmor_profile.empty()) plan.ops.push_back(OpenProfile{});
  constexpr std::array<std::pair<NamespaceKind, const char*>, 8> kKinds = {{{NamespaceKind::user, "user"},
                                                                            {NamespaceKind::pid, "pid"},
                                                                            {NamespaceKind::network, "net"},
                                                                            {NamespaceKind::ipc, "ipc"},
                                                                            {NamespaceKind::uts, "uts"},
                                                                            {NamespaceKind::cgroup, "cgroup"},
                                                                            {NamespaceKind::time, "time"},
                                                                            {NamespaceKind::mount, "mnt"}}};
  // A root that was only entered is not the root of the mount namespace. It is opened while this /proc can be reached.
  const bool entered = std::any_of(container.ops.begin(), container.ops.end(),
                                   [](const auto& op) { return std::holds_alternative<EnterRoot>(op); });
  if (entered) plan.ops.push_back(OpenRoot{"/proc/" + std::to_string(spec.pid) + "/root"});
  JoinNamespaces joins;
  for (const auto& [kind, name] : kKinds) {
    const std::string path = "/proc/" + std::to_string(spec.pid) + "/ns/" + name;
    const std::string own = std::string("/proc/self/ns/") + name;
    struct stat theirs {};
    struct stat ours {};
    const bool has_own = ::stat(own.c_str(), &ours) == 0;
    if (::stat(path.c_str(), &theirs) != 0) {
      // A kernel may be built without a kind, as user mode Linux without time namespaces: then there is none to join.
      if (errno == ENOENT && !has_own) continue;
      return fail_errno("namespace " + path);
    }
    if (has_own && ours.st_ino == theirs.st_ino) continue;
    if (kind == NamespaceKind::pid) {
      plan.join_pid_namespace = path;
    } else {
      joins.all.push_back({kind, path});
    }
  }
  if (!joins.all.empty()) plan.ops.push_back(std::move(joins));
  if (entered) plan.ops.push_back(EnterRoot{});
  std::string directory = "/";
  for (const auto& op : container.ops) {
    if (const auto* change = std::get_if<ChangeDirectory>(&op)) directory = change->path;
  }
  if (!spec.changes.directory.empty()) directory = spec.changes.directory;
  if (spec.terminal) plan.ops.push_back(OpenTerminal{spec.terminal->rows, spec.terminal->columns, false});
  plan.ops.push_back(EnterDirectory{directory});
  return plan;
}

}  // namespace mete::runtime::process
