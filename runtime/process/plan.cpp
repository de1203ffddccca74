// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/plan.h"

#include <linux/sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "runtime/process/namespace_files.h"

namespace mete::runtime::process {
namespace {

const NamespaceUse* find(const LaunchSpec& spec, NamespaceKind kind) {
  const auto at = std::find_if(spec.namespaces.begin(), spec.namespaces.end(),
                               [&](const NamespaceUse& use) { return use.kind == kind; });
  return at == spec.namespaces.end() ? nullptr : &*at;
}

bool has_own(const LaunchSpec& spec, NamespaceKind kind) {
  const auto* use = find(spec, kind);
  return use != nullptr && use->path.empty();
}

bool joined_or_own(const LaunchSpec& spec, NamespaceKind kind) {
  return find(spec, kind) != nullptr;
}

std::vector<std::string> split_options(std::string_view data) {
  std::vector<std::string> options;
  while (!data.empty()) {
    const auto comma = data.find(',');
    if (comma != 0) options.emplace_back(data.substr(0, comma));
    if (comma == std::string_view::npos) break;
    data.remove_prefix(comma + 1);
  }
  return options;
}

Status check_inside_path(const std::string& path, std::string_view what) {
  if (path.empty() || path.front() != '/') {
    return fail(std::string(what) + ": found \"" + path + "\", expected an absolute path inside the container");
  }
  return {};
}

// A sysctl must belong to a namespace of the container's own (CVE-2022-0811).
Result<std::string> sysctl_path(const LaunchSpec& spec, const std::string& key) {
  constexpr std::array<std::string_view, 8> kIpc = {"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                    "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                    "kernel.shmmni", "kernel.shm_rmid_forced"};
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  NamespaceKind needed{};
  if (key.starts_with("net.")) {
    needed = NamespaceKind::network;
  } else if (key.starts_with("fs.mqueue.") || std::find(kIpc.begin(), kIpc.end(), key) != kIpc.end()) {
    needed = NamespaceKind::ipc;
  } else if (key == "kernel.hostname") {
    return fail("sysctl: found \"kernel.hostname\", expected the name in the field of its own (hostname)");
  } else if (key == "kernel.domainname") {
    // dockerd has no other way to set it.
    if (!spec.domainname.empty())
      return fail("sysctl: found \"kernel.domainname\" and a domainname, expected one of the two");
    needed = NamespaceKind::uts;
  } else {
    return fail("sysctl: found \"" + key +
                "\", expected one that belongs to a namespace (net.*, fs.mqueue.*, kernel.shm*, ...)");
  }
  if (!plain || key.find("..") != std::string::npos)
    return fail("sysctl: found \"" + key + "\", expected a plain dotted name");
  if (!joined_or_own(spec, needed))
    return fail("sysctl " + key + ": found the host's namespace, expected the container's own");
  std::string path = key;
  std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

// The path without a slash at its end.
std::string_view trimmed(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

// /proc and /sys are what later operations mask and protect, by their names. An image whose /proc is a symbolic link
// could lead them elsewhere (CVE-2019-19921, CVE-2023-27561).
bool may_have_no_links(const MountSpec& mount) {
  const auto at = trimmed(mount.destination);
  return mount.type == "proc" || mount.type == "sysfs" || at == "/proc" || at == "/sys";
}

// What a read-only tmpfs, and /dev, contain is made after them: other mounts, devices, the working directory. So the
// mount is made writable. It becomes read-only `late`, when all of that is there; a remount of it, which says itself
// what the mount is to be, comes in its place.
enum class ReadOnly : std::uint8_t { at_once, late, by_remount };

ReadOnly when_read_only(const std::vector<MountSpec>& mounts, std::size_t index) {
  const MountSpec& mount = mounts[index];
  const auto at = trimmed(mount.destination);
  if (((mount.attributes | mount.top_attributes) & MOUNT_ATTR_RDONLY) == 0 || mount.remount) return ReadOnly::at_once;
  if (mount.type != "tmpfs" && at != "/dev") return ReadOnly::at_once;
  const auto next = std::find_if(mounts.begin() + static_cast<std::ptrdiff_t>(index) + 1, mounts.end(),
                                 [&](const MountSpec& later) { return trimmed(later.destination) == at; });
  if (next == mounts.end()) return ReadOnly::late;
  // A late change would meet what is mounted on top.
  return next->remount ? ReadOnly::by_remount : ReadOnly::at_once;
}

BindMount bind_of(const MountSpec& mount, bool in_user_namespace) {
  MountCopier copier = MountCopier::child;
  if (!mount.id_map.empty() || (mount.propagation & MS_SHARED) != 0) {
    copier = MountCopier::launcher;
  } else if (in_user_namespace && mount.sub_path.empty()) {
    copier = MountCopier::launcher_if_allowed;
  }
  return {.source = mount.source,
          .sub_path = mount.sub_path,
          .destination = mount.destination,
          .no_links = may_have_no_links(mount),
          .attributes = mount.attributes,
          .top_attributes = mount.top_attributes,
          .cleared = mount.cleared,
          .top_cleared = mount.top_cleared,
          .propagation = mount.propagation,
          .recursive = mount.recursive,
          .copier = copier,
          .id_map = mount.id_map};
}

// `late`: what is to be done when everything else is made.
Status add_mounts(const LaunchSpec& spec, const std::vector<MountSpec>& mounts, std::vector<SetupOp>& ops,
                  std::vector<SetupOp>& late) {
  const bool in_user_namespace = joined_or_own(spec, NamespaceKind::user);
  for (std::size_t i = 0; i < mounts.size(); ++i) {
    MountSpec mount = mounts[i];
    METE_CHECK(check_inside_path(mount.destination, "mount destination"));
    const ReadOnly when = when_read_only(mounts, i);
    if (when != ReadOnly::at_once) {
      mount.attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
      mount.top_attributes &= ~std::uint64_t{MOUNT_ATTR_RDONLY};
    }
    if (when == ReadOnly::late) late.push_back(ChangeMount{.path = mount.destination, .attributes = MOUNT_ATTR_RDONLY});
    if (mount.remount) {
      ops.push_back(ChangeMount{mount.destination, mount.attributes | mount.top_attributes,
                                mount.cleared | mount.top_cleared, mount.recursive});
    } else if (mount.type == "bind") {
      ops.push_back(bind_of(mount, in_user_namespace));
    } else {
      ops.push_back(MountFilesystem{.type = mount.type,
                                    .source = mount.source,
                                    .destination = mount.destination,
                                    .no_links = may_have_no_links(mount),
                                    .options = split_options(mount.data),
                                    .attributes = mount.attributes,
                                    .propagation = mount.propagation,
                                    .optional = mount.optional,
                                    .copy_up = mount.copy_up});
    }
  }
  return {};
}

Status add_root(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  METE_CHECK(check_inside_path(spec.rootfs, "root directory"));
  MountRoot root{.target = spec.rootfs, .overlay_dir = {}, .overlay_options = {}, .attributes = spec.root_attributes};
  if (spec.overlay) {
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
    return trimmed(mount.destination) == "/dev" && mount.type != "bind" && !mount.remount;
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

Status add_filesystem(const LaunchSpec& spec, std::vector<SetupOp>& ops) {
  const bool own_mounts = has_own(spec, NamespaceKind::mount);
  if (own_mounts) ops.push_back(MakeMountsPrivate{spec.receive_host_mounts});
  METE_CHECK(add_root(spec, ops));
  std::vector<SetupOp> late;
  METE_CHECK(add_mounts(spec, spec.mounts, ops, late));
  add_devices(spec, ops);
  for (const auto& [key, value] : spec.sysctls) {
    METE_TRY(std::string path, sysctl_path(spec, key));
    ops.push_back(WriteSysctl{std::move(path), value});
  }
  // CPU affinity is for processes that enter the container later (config.md, execCPUAffinity).
  Tuning own = spec.tuning;
  own.first_cpus.clear();
  own.cpus.clear();
  add_cgroup_entry(own, ops);
  if (has_own(spec, NamespaceKind::cgroup)) ops.push_back(NewCgroupNamespace{});
  METE_CHECK(add_mounts(spec, spec.cgroup_mounts, ops, late));
  if (spec.terminal) ops.push_back(OpenTerminal{spec.terminal->rows, spec.terminal->columns, true});
  for (const auto& path : spec.masked_paths) ops.push_back(MaskPath{path});
  for (const auto& path : spec.read_only_paths) ops.push_back(MakePathReadOnly{path});
  if (spec.hooks) ops.push_back(AwaitHooks{});
  if (spec.read_only_root) late.push_back(MakePathReadOnly{"/"});
  if (!late.empty() && spec.cwd != "/") ops.push_back(MakeDirectory{spec.cwd});
  ops.insert(ops.end(), std::make_move_iterator(late.begin()), std::make_move_iterator(late.end()));
  if (!spec.identity.apparmor_profile.empty()) ops.push_back(OpenProfile{});
  if (!spec.session_keyring.empty()) ops.push_back(JoinKeyring{spec.session_keyring});
  ops.push_back(!own_mounts ? SetupOp(EnterRoot{}) : spec.move_root ? SetupOp(MoveRoot{}) : SetupOp(PivotRoot{}));
  if (spec.root_propagation != 0) ops.push_back(SetRootPropagation{spec.root_propagation});
  ops.push_back(ChangeDirectory{spec.cwd});
  return {};
}

}  // namespace

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
  if (find(spec, NamespaceKind::mount) == nullptr)
    return fail("namespaces: found no mount namespace, expected one: the root is changed");
  Plan plan;
  add_namespaces(spec, plan);
  METE_CHECK(add_filesystem(spec, plan.ops));
  plan.cgroup = spec.cgroup;
  plan.identity = spec.identity;
  plan.tuning = spec.tuning;
  plan.final = spec.init ? Final::init : Final::exec;
  plan.args = spec.args;
  plan.env = spec.env;
  plan.has_oom_score_adj = spec.oom_score_adj.has_value();
  plan.oom_score_adj = spec.oom_score_adj.value_or(0);
  return plan;
}

Plan make_sandbox_plan(const LaunchSpec& spec) {
  Plan plan;
  add_namespaces(spec, plan);
  plan.ops.push_back(AwaitCgroups{});
  plan.cgroup = spec.cgroup;
  plan.identity = spec.identity;
  plan.final = Final::pause;
  plan.has_oom_score_adj = spec.oom_score_adj.has_value();
  plan.oom_score_adj = spec.oom_score_adj.value_or(0);
  return plan;
}

}  // namespace mete::runtime::process
