// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan/plan.h"

#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "config/values/sysctl_space.h"
#include "runtime/process/namespace_files.h"
#include "runtime/process/plan/plan_parts.h"

namespace mete::runtime::process {
namespace {

bool has_own(const LaunchSpec& spec, NamespaceKind kind) {
  const auto* use = find(spec, kind);
  return use != nullptr && use->path.empty();
}

// A sysctl must belong to a namespace of the container's own (CVE-2022-0811).
Result<std::string> sysctl_path(const LaunchSpec& spec, const std::string& key) {
  if (!config::is_plain_sysctl(key)) return fail("sysctl: found \"" + key + "\", expected a plain dotted name");
  NamespaceKind needed{};
  switch (config::sysctl_space(key)) {
    case config::SysctlSpace::kNetwork:
      needed = NamespaceKind::network;
      break;
    case config::SysctlSpace::kIpc:
      needed = NamespaceKind::ipc;
      break;
    case config::SysctlSpace::kUts:
      if (key == "kernel.hostname") {
        return fail("sysctl: found \"kernel.hostname\", expected the name in the field of its own (hostname)");
      }
      // dockerd has no other way to set it.
      if (!spec.domainname.empty())
        return fail("sysctl: found \"kernel.domainname\" and a domainname, expected one of the two");
      needed = NamespaceKind::uts;
      break;
    case config::SysctlSpace::kNone:
      return fail("sysctl: found \"" + key +
                  "\", expected one that belongs to a namespace (net.*, fs.mqueue.*, kernel.shm*, ...)");
  }
  if (!joined_or_own(spec, needed))
    return fail("sysctl " + key + ": found the host's namespace, expected the container's own");
  std::string path = key;
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

Status add_root(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  METE_CHECK(check_inside_path(spec.rootfs, "root directory"));
  MountRoot root{.target = spec.rootfs,
                 .overlay_dir = {},
                 .overlay_options = {},
                 .attributes = spec.root_attributes,
                 .prepared = {}};
  if (spec.overlay && !spec.overlay->owners.empty()) {
    if (spec.overlay->lowers.empty()) return fail("overlay: found no layer, expected at least one");
    root.prepared = spec.overlay;
  } else if (spec.overlay) {
    const auto& overlay = *spec.overlay;
    if (overlay.lowers.empty()) return fail("overlay: found no layer, expected at least one");
    root.overlay_dir = overlay.layers_dir;
    root.overlay_options = "lowerdir=";
    for (std::size_t i = 0; i < overlay.lowers.size(); ++i)
      root.overlay_options += (i > 0 ? ":" : "") + overlay.lowers[i];
    root.overlay_options += ",upperdir=" + overlay.upper + ",workdir=" + overlay.work;
    // mount(2) takes at most one page of options.
    constexpr std::size_t kPage = 4096;
    if (root.overlay_options.size() >= kPage) {
      return fail("overlay: found " + std::to_string(overlay.lowers.size()) +
                  " layers, expected fewer: their names exceed a page");
    }
  }
  ops.push_back(std::move(root));
  return {};
}

void add_devices(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  const bool has_dev = std::any_of(spec.mounts.begin(), spec.mounts.end(), [](const MountSpec& mount) {
    return trimmed(mount.destination) == "/dev" && mount.type == "tmpfs" && !mount.remount;
  });
  for (const auto& device : spec.devices) {
    // /dev/ptmx is always that of the container's own devpts (config-linux.md, default devices).
    if (has_dev && device.path == "/dev/ptmx") continue;
    ops.push_back(MakeDevice{device.path, device.type_and_mode, device.device, device.uid, device.gid});
  }
  if (!has_dev) return;
  ops.push_back(MakeSymlink{"/proc/self/fd", "/dev/fd"});
  ops.push_back(MakeSymlink{"/proc/self/fd/0", "/dev/stdin"});
  ops.push_back(MakeSymlink{"/proc/self/fd/1", "/dev/stdout"});
  ops.push_back(MakeSymlink{"/proc/self/fd/2", "/dev/stderr"});
  ops.push_back(MakeSymlink{"pts/ptmx", "/dev/ptmx"});
}

void add_namespaces(const LaunchSpec& spec, Plan& plan) {
  JoinNamespaces joins;
  for (const auto& use : spec.namespaces) {
    if (use.path.empty()) {
      if (use.kind == NamespaceKind::time) {
        plan.new_time_namespace = true;
      } else if (use.kind != NamespaceKind::cgroup &&
                 use.kind != NamespaceKind::network) {  // operations make those two
        plan.clone_flags |= clone_flag(use.kind);
      }
    } else if (use.kind == NamespaceKind::pid) {
      plan.join_pid_namespace = use.path;
    } else if (use.kind == NamespaceKind::user) {
      plan.join_user_namespace = use.path;
    } else {
      joins.all.push_back(use);
    }
  }
  if (!joins.all.empty()) plan.ops.push_back(std::move(joins));
  if (has_own(spec, NamespaceKind::user)) {
    plan.uid_mappings = spec.uid_mappings;
    plan.gid_mappings = spec.gid_mappings;
    plan.ops.insert(plan.ops.begin(), AwaitIdMappings{});
    // The namespace's root owns the message queue file system, so the mappings must exist when the IPC namespace is
    // made.
    if ((plan.clone_flags & CLONE_NEWIPC) != 0) {
      plan.clone_flags &= ~std::uint64_t{CLONE_NEWIPC};
      plan.ops.insert(plan.ops.begin() + 1, Unshare{CLONE_NEWIPC});
    }
  }
  const auto offset = [&](const char* clock, const std::optional<TimeOffset>& value) {
    if (!value) return;
    plan.time_offsets +=
        std::string(clock) + " " + std::to_string(value->seconds) + " " + std::to_string(value->nanoseconds) + "\n";
  };
  offset("monotonic", spec.monotonic_offset);
  offset("boottime", spec.boottime_offset);
  if (plan.new_time_namespace && plan.join_user_namespace.empty()) {
    plan.ops.insert(plan.ops.begin(), NewTimeNamespace{std::move(plan.time_offsets)});
    plan.new_time_namespace = false;
    plan.time_offsets.clear();
  }
  if (has_own(spec, NamespaceKind::uts) && !(spec.hostname.empty() && spec.domainname.empty()))
    plan.ops.push_back(SetHostname{spec.hostname, spec.domainname});
  if (has_own(spec, NamespaceKind::network)) {
    // A network namespace costs as much as the rest of the clone. The child makes it while the launcher makes the
    // cgroups.
    plan.ops.push_back(Unshare{CLONE_NEWNET});
    plan.ops.push_back(LoopbackUp{});
  }
}

// Without a mount namespace every mount would be one of the host.
Status add_root_without_mounts(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  METE_CHECK(check_inside_path(spec.rootfs, "root directory"));
  const bool mounts = spec.overlay || spec.root_attributes != 0 || !spec.mounts.empty() ||
                      !spec.cgroup_mounts.empty() || !spec.masked_paths.empty() || !spec.read_only_paths.empty() ||
                      spec.read_only_root;
  if (mounts)
    return fail(
        "namespaces: found mounts, or paths or a root that are masked or read-only, and no mount namespace, "
        "expected one, or none of these: they would be mounts of the host");
  ops.push_back(OpenRoot{spec.rootfs});
  return {};
}

Status add_sysctls(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  for (const auto& [key, value] : spec.sysctls) {
    METE_TRY(std::string path, sysctl_path(spec, key));
    ops.push_back(WriteSysctl{std::move(path), value});
  }
  return {};
}

Status add_filesystem(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  const bool own_mounts = has_own(spec, NamespaceKind::mount);
  const bool mounts = find(spec, NamespaceKind::mount) != nullptr;
  if (own_mounts) ops.push_back(MakeMountsPrivate{spec.receive_host_mounts});
  METE_CHECK(mounts ? add_root(spec, ops) : add_root_without_mounts(spec, ops));
  std::vector<SetupOp> late;
  METE_CHECK(add_mounts(spec, spec.mounts, ops, late));
  add_devices(spec, ops);
  METE_CHECK(add_sysctls(spec, ops));
  // CPU affinity is for processes that enter the container later (config.md, execCPUAffinity).
  Tuning own = spec.tuning;
  own.first_cpus.clear();
  own.cpus.clear();
  add_cgroup_entry(own, ops);
  if (has_own(spec, NamespaceKind::cgroup)) ops.push_back(NewCgroupNamespace{});
  METE_CHECK(add_mounts(spec, spec.cgroup_mounts, ops, late));
  if (spec.terminal) ops.push_back(OpenTerminal{spec.terminal->rows, spec.terminal->columns, mounts});
  // Before the masks, which may cover what they are to find.
  if (spec.hooks) ops.push_back(AwaitHooks{});
  if ((!late.empty() || spec.read_only_root) && spec.cwd != "/") ops.push_back(MakeDirectory{spec.cwd});
  ops.insert(ops.end(), std::make_move_iterator(late.begin()), std::make_move_iterator(late.end()));
  for (const auto& path : spec.masked_paths) ops.push_back(MaskPath{path});
  for (const auto& path : spec.read_only_paths) ops.push_back(MakePathReadOnly{path});
  if (spec.read_only_root) ops.push_back(MakePathReadOnly{"/"});
  if (!spec.identity.apparmor_profile.empty()) ops.push_back(OpenProfile{});
  if (!spec.session_keyring.empty()) ops.push_back(JoinKeyring{spec.session_keyring});
  ops.push_back(!own_mounts ? SetupOp(EnterRoot{}) : spec.move_root ? SetupOp(MoveRoot{}) : SetupOp(PivotRoot{}));
  if (spec.root_propagation != 0) ops.push_back(SetRootPropagation{spec.root_propagation});
  ops.push_back(ChangeDirectory{spec.cwd});
  return {};
}

}  // namespace

const NamespaceUse* find(const LaunchSpec& spec, NamespaceKind kind) {
  const auto at = std::find_if(spec.namespaces.begin(), spec.namespaces.end(),
                               [&](const NamespaceUse& use) { return use.kind == kind; });
  return at == spec.namespaces.end() ? nullptr : &*at;
}

bool joined_or_own(const LaunchSpec& spec, NamespaceKind kind) {
  return find(spec, kind) != nullptr;
}

Status check_inside_path(const std::string& path, std::string_view what) {
  if (path.empty() || path.front() != '/') {
    return fail(std::string(what) + ": found \"" + path + "\", expected an absolute path inside the container");
  }
  return {};
}

void add_cgroup_entry(const Tuning& tuning, std::vector<SetupOp>& ops) {
  if (!tuning.first_cpus.empty()) ops.push_back(SetAffinity{tuning.first_cpus});
  ops.push_back(AwaitCgroups{});
  Tuning rest = tuning;
  rest.first_cpus.clear();
  if (rest != Tuning{}) ops.push_back(Tune{std::move(rest)});
}

Result<Plan> make_plan(const LaunchSpec& spec) {
  if (spec.args.empty() || spec.args.front().empty()) return fail("command: found none, expected at least one word");
  METE_CHECK(check_inside_path(spec.cwd, "working directory"));
  Plan plan;
  add_namespaces(spec, plan);
  METE_CHECK(add_filesystem(spec, plan.ops));
  plan.cgroup = spec.cgroup;
  plan.stdio_owner = spec.stdio_owner;
  plan.identity = spec.identity;
  plan.tuning = spec.tuning;
  plan.final = spec.init ? Final::init : Final::exec;
  plan.args = spec.args;
  plan.env = spec.env;
  plan.has_oom_score_adj = spec.oom_score_adj.has_value();
  plan.oom_score_adj = spec.oom_score_adj.value_or(0);
  return plan;
}

Result<Plan> make_sandbox_plan(const LaunchSpec& spec) {
  Plan plan;
  add_namespaces(spec, plan);
  METE_CHECK(add_sysctls(spec, plan.ops));
  plan.ops.push_back(AwaitCgroups{});
  plan.cgroup = spec.cgroup;
  plan.identity = spec.identity;
  plan.final = Final::pause;
  plan.has_oom_score_adj = spec.oom_score_adj.has_value();
  plan.oom_score_adj = spec.oom_score_adj.value_or(0);
  return plan;
}

}  // namespace mete::runtime::process
