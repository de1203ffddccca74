// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/container_spec.h"

#include <sys/mount.h>

#include <algorithm>

#include "runtime/network/network.h"
#include "runtime/process/capabilities.h"

namespace mete::runtime::pod {
namespace {

using process::LaunchSpec;
using process::NamespaceKind;

constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::size_t kHostnameLength = 63;

// A later assignment replaces an earlier one, as in a shell.
void set_env(std::vector<std::string>& env, const std::string& assignment) {
  const std::string name = assignment.substr(0, assignment.find('=') + 1);
  const auto at = std::find_if(env.begin(), env.end(), [&](const std::string& each) { return each.starts_with(name); });
  if (at == env.end()) {
    env.push_back(assignment);
  } else {
    *at = assignment;
  }
}

Result<std::vector<std::string>> command_line(const config::ContainerPlan& resolved, const image::ImageConfig& image) {
  // Kubernetes: `command` replaces the entrypoint and the image's arguments; `args` replaces only the arguments.
  std::vector<std::string> line = resolved.command.empty() ? image.entrypoint : resolved.command;
  const auto& arguments = !resolved.args.empty() || !resolved.command.empty() ? resolved.args : image.cmd;
  line.insert(line.end(), arguments.begin(), arguments.end());
  if (line.empty())
    return fail("container " + resolved.name +
                ": found no command in the manifest and none in the image, expected one");
  return line;
}

void add_namespaces(const config::PodSpec& spec, const ContainerContext& context, LaunchSpec& launch) {
  const auto add = [&](NamespaceKind kind, bool host, const char* shared) {
    if (host) return;
    std::string path;
    if (shared != nullptr && context.sandbox_pid)
      path = "/proc/" + std::to_string(*context.sandbox_pid) + "/ns/" + shared;
    launch.namespaces.push_back({kind, std::move(path)});
  };
  add(NamespaceKind::mount, false, nullptr);
  add(NamespaceKind::pid, spec.host_pid, spec.share_process_namespace ? "pid" : nullptr);
  add(NamespaceKind::network, !network::driver_of(spec).own_namespace(), "net");
  add(NamespaceKind::ipc, spec.host_ipc, "ipc");
  add(NamespaceKind::uts, spec.host_network, "uts");  // Kubernetes: a host-network pod has the host's name
  add(NamespaceKind::cgroup, false, nullptr);
}

// `available` is what root has on this machine: "ALL" and privileged mean all of that.
Result<std::uint64_t> capabilities(const config::SecurityContext& security, std::uint64_t available) {
  if (security.privileged) return process::all_capabilities() & available;
  std::uint64_t mask = process::default_capabilities();
  for (const bool adding : {false, true}) {
    for (const auto& name : adding ? security.add_capabilities : security.drop_capabilities) {
      const auto bits = process::capability_mask(name);
      if (!bits)
        return fail("securityContext.capabilities: found \"" + name +
                    "\", expected a Linux capability such as NET_ADMIN or ALL");
      const bool all = *bits == process::all_capabilities();
      if (adding && !all && (*bits & ~available) != 0) {
        return fail("securityContext.capabilities.add: found \"" + name +
                    "\", which the agent itself does not have, expected one it can give");
      }
      mask = adding ? mask | *bits : mask & ~*bits;
    }
  }
  return mask & available;
}

Status add_identity(const config::PodSpec& spec, const config::Container& container, const ContainerContext& context,
                    LaunchSpec& launch) {
  const auto& security = container.security;
  auto& identity = launch.identity;
  identity.uid = context.image.uid;
  identity.gid = context.image.gid;
  identity.additional_gids = context.image.groups;
  if (const auto user = security.run_as_user ? security.run_as_user : spec.security.run_as_user) {
    identity.uid = *user;
    identity.gid = 0;
    identity.additional_gids.clear();
  }
  if (const auto group = security.run_as_group ? security.run_as_group : spec.security.run_as_group)
    identity.gid = *group;
  const auto& more = spec.security.supplemental_groups;
  identity.additional_gids.insert(identity.additional_gids.end(), more.begin(), more.end());
  if (spec.security.fs_group) identity.additional_gids.push_back(*spec.security.fs_group);
  METE_TRY(const std::uint64_t mask, capabilities(security, context.capabilities));
  auto& sets = identity.capabilities;
  sets.bounding = mask;
  // The inheritable and ambient sets stay empty (CVE-2022-24769); other users than root start without capabilities.
  if (identity.uid == 0) sets.effective = sets.permitted = mask;
  identity.no_new_privileges =
      security.allow_privilege_escalation.has_value() && !*security.allow_privilege_escalation && !security.privileged;
  if (!security.privileged) identity.seccomp_filter = context.seccomp_filter;
  return {};
}

Status add_volumes(const config::Container& container, const ContainerContext& context, LaunchSpec& launch) {
  const auto first = static_cast<std::ptrdiff_t>(launch.mounts.size());
  for (const auto& mount : container.volume_mounts) {
    const auto volume = context.volumes.find(mount.name);
    if (volume == context.volumes.end()) return fail("volumeMounts: found no volume \"" + mount.name + "\" in the pod");
    launch.mounts.push_back({.destination = mount.mount_path,
                             .type = "bind",
                             .source = volume->second,
                             .sub_path = mount.sub_path,
                             .attributes = mount.read_only ? MOUNT_ATTR_RDONLY : 0U,
                             .recursive = true});
  }
  // A mount point must be mounted before those below it, whatever the manifest's order.
  const auto depth = [](const process::MountSpec& mount) {
    return std::count(mount.destination.begin(), mount.destination.end(), '/');
  };
  std::stable_sort(launch.mounts.begin() + first, launch.mounts.end(),
                   [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
  return {};
}

void add_files(const ContainerContext& context, LaunchSpec& launch) {
  const auto bind = [&](const std::string& source, const char* destination) {
    const bool taken = std::any_of(launch.mounts.begin(), launch.mounts.end(),
                                   [&](const auto& mount) { return mount.destination == destination; });
    if (!source.empty() && !taken)
      launch.mounts.push_back({.destination = destination, .type = "bind", .source = source});
  };
  bind(context.hosts_file, "/etc/hosts");
  bind(context.resolv_file, "/etc/resolv.conf");
  bind(context.hostname_file, "/etc/hostname");
  bind(context.pressure_fifo, kPressurePath);
}

void add_filesystems(const config::PodSpec& spec, const config::Container& container, const ContainerContext& context,
                     LaunchSpec& launch) {
  const bool privileged = container.security.privileged;
  launch.mounts = process::default_mounts(!spec.host_network);
  if (spec.host_ipc) {
    for (auto& mount : launch.mounts) {
      if (mount.destination == "/dev/shm") mount = {.destination = "/dev/shm", .type = "bind", .source = "/dev/shm"};
    }
  }
  launch.devices = process::default_devices();
  for (const auto& device : context.devices) {
    const auto same = std::find_if(launch.devices.begin(), launch.devices.end(),
                                   [&](const auto& other) { return other.path == device.path; });
    if (same == launch.devices.end()) launch.devices.push_back(device);
  }
  launch.cgroup_mounts = process::cgroup_mounts(context.cgroup_view);
  if (privileged) {
    for (auto* mounts : {&launch.mounts, &launch.cgroup_mounts}) {
      for (auto& mount : *mounts) mount.attributes &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    }
  } else {
    launch.masked_paths = process::default_masked_paths();
    launch.read_only_paths = process::default_read_only_paths();
    // Device nodes of an image must not work: a container's devices are those in /dev.
    launch.root_attributes = MOUNT_ATTR_NODEV;
  }
}

}  // namespace

bool needs_sandbox(const config::PodSpec& spec) {
  return spec.share_process_namespace || spec.containers.size() + spec.init_containers.size() > 1 ||
         network::driver_of(spec).needs_attachment();
}

std::string hostname_of(const config::Pod& pod) {
  std::string name = pod.spec.hostname.empty() ? pod.metadata.name : pod.spec.hostname;
  if (name.size() > kHostnameLength) name.resize(kHostnameLength);
  while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
  return name;
}

std::string hosts_text(const config::Pod& pod) {
  std::string text =
      "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.0.1\t" + hostname_of(pod) + "\n";
  for (const auto& alias : pod.spec.host_aliases) {
    text += alias.ip;
    for (const auto& name : alias.hostnames) text.append("\t").append(name);
    text += "\n";
  }
  return text;
}

bool wants_init(const config::Pod& pod) {
  const auto at = pod.metadata.annotations.find("mete/init");
  return at != pod.metadata.annotations.end() && at->second == "true";
}

Result<LaunchSpec> container_spec(const config::PodPlan& plan, const config::Container& container,
                                  const config::ContainerPlan& resolved, const ContainerContext& context) {
  const auto& spec = plan.pod.spec;
  LaunchSpec launch;
  METE_TRY(launch.args, command_line(resolved, context.image));
  add_namespaces(spec, context, launch);
  launch.cgroup = context.cgroup;
  launch.rootfs = context.rootfs;
  launch.overlay = context.overlay;
  launch.read_only_root = container.security.read_only_root_filesystem;
  add_filesystems(spec, container, context, launch);
  METE_CHECK(add_volumes(container, context, launch));
  add_files(context, launch);
  if (!spec.host_network) launch.hostname = hostname_of(plan.pod);
  launch.env = {kDefaultPath, "HOSTNAME=" + hostname_of(plan.pod)};
  if (!context.pressure_fifo.empty()) launch.env.push_back(std::string("MEMORY_PRESSURE_WATCH=") + kPressurePath);
  for (const auto& assignment : context.image.env) set_env(launch.env, assignment);
  for (const auto& each : resolved.env) set_env(launch.env, each.name + "=" + each.value);
  const std::string& directory = container.working_dir.empty() ? context.image.working_dir : container.working_dir;
  launch.cwd = directory.empty() ? "/" : directory;
  METE_CHECK(add_identity(spec, container, context, launch));
  launch.session_keyring = "_ses." + plan.pod.metadata.namespace_ + "_" + plan.pod.metadata.name + "_" + container.name;
  launch.oom_score_adj = context.oom_score_adj;
  launch.init = wants_init(plan.pod) && !spec.share_process_namespace;
  return launch;
}

LaunchSpec sandbox_spec(const config::Pod& pod, const process::CgroupJoin& cgroup) {
  LaunchSpec launch;
  if (network::driver_of(pod.spec).own_namespace()) {
    launch.namespaces.push_back({NamespaceKind::network, ""});
    launch.namespaces.push_back({NamespaceKind::uts, ""});
    launch.hostname = hostname_of(pod);
  }
  if (!pod.spec.host_ipc) launch.namespaces.push_back({NamespaceKind::ipc, ""});
  if (pod.spec.share_process_namespace && !pod.spec.host_pid) launch.namespaces.push_back({NamespaceKind::pid, ""});
  launch.cgroup = cgroup;
  return launch;
}

}  // namespace mete::runtime::pod
