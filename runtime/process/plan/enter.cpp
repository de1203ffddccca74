// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/enter.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/process/namespace_files.h"
#include "runtime/process/plan/plan.h"

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

constexpr std::array kKinds = {NamespaceKind::user, NamespaceKind::pid,  NamespaceKind::network,
                               NamespaceKind::ipc,  NamespaceKind::uts,  NamespaceKind::cgroup,
                               NamespaceKind::time, NamespaceKind::mount};

// The number of a namespace, which is its inode's. 0: the kernel has none of this kind, as user mode Linux has no time
// namespaces.
Result<std::uint64_t> namespace_number(const std::string& process, NamespaceKind kind) {
  const std::string path = "/proc/" + process + "/ns/" + file_name_of(kind);
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return std::uint64_t{info.st_ino};
  if (errno == ENOENT && ::access(("/proc/" + process + "/ns").c_str(), F_OK) == 0) return std::uint64_t{0};
  return fail_errno("namespace " + path);
}

Result<bool> shares(const std::string& process, NamespaceKind kind) {
  METE_TRY(const std::uint64_t theirs, namespace_number(process, kind));
  METE_TRY(const std::uint64_t ours, namespace_number("self", kind));
  return theirs == ours;
}

// One that runs in the first user namespace is not asked about: nobody can join that one.
Result<bool> in_users_of_caller(const std::string& process) {
  constexpr std::uint64_t kFirst = 0xEFFFFFFD;  // include/uapi/linux/nsfs.h, USER_NS_INIT_INO
  METE_TRY(const std::uint64_t theirs, namespace_number(process, NamespaceKind::user));
  if (theirs == kFirst) return true;
  METE_TRY(const std::uint64_t ours, namespace_number("self", NamespaceKind::user));
  return theirs == ours;
}

// With another user namespace the order matters, and which of the others its rights suffice for.
Status add_joins(const EnterSpec& spec, Plan& plan) {
  const std::string process = std::to_string(spec.pid);
  const auto path_of = [&](NamespaceKind kind) { return "/proc/" + process + "/ns/" + file_name_of(kind); };
  bool at_once = false;
  if (spec.by_pidfd) {
    METE_TRY(at_once, in_users_of_caller(process));
  }
  std::vector<NamespaceUse> joins;
  for (const auto kind : kKinds) {
    bool is_shared = false;
    if (!at_once) {
      METE_TRY(is_shared, shares(process, kind));
    }
    if (is_shared || (at_once && kind == NamespaceKind::user)) continue;
    if (kind == NamespaceKind::pid) {
      plan.join_pid_namespace = path_of(kind);
    } else {
      joins.push_back({kind, path_of(kind)});
    }
  }
  if (at_once) {
    plan.ops.push_back(JoinProcess{std::move(joins)});
  } else if (!joins.empty()) {
    plan.ops.push_back(JoinNamespaces{std::move(joins)});
  }
  return {};
}

}  // namespace

bool matters_for_entering(const SetupOp& op) {
  return std::holds_alternative<JoinKeyring>(op) || std::holds_alternative<EnterRoot>(op) ||
         std::holds_alternative<ChangeDirectory>(op);
}

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
  // A root that was only entered is not the root of the mount namespace. It is opened while this /proc can be reached.
  const bool entered = std::any_of(container.ops.begin(), container.ops.end(),
                                   [](const auto& op) { return std::holds_alternative<EnterRoot>(op); });
  if (entered) plan.ops.push_back(OpenRoot{"/proc/" + std::to_string(spec.pid) + "/root"});
  METE_CHECK(add_joins(spec, plan));
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
