// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/container_spec.h"

#include <sys/mount.h>

#include <algorithm>

#include "config/values/names.h"
#include "runtime/pod/extras.h"
#include "runtime/pod/name_files.h"
#include "runtime/pod/network_sysctls.h"
#include "runtime/pod/own_users.h"
#include "runtime/pod/user.h"

namespace mete::runtime::pod {
namespace {

using process::LaunchSpec;
using process::NamespaceKind;

constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

bool has_machine_name(const config::PodSpec& spec, const config::Container& container) {
  return spec.host_network || container.extras->machine_name;
}

void add_namespaces(const config::PodSpec& spec, const config::Container& container, const ContainerContext& context,
                    LaunchSpec& launch) {
  const auto add = [&](NamespaceKind kind, bool host, const char* shared) {
    if (host) return;
    std::string path;
    if (shared != nullptr && context.sandbox_pid)
      path = "/proc/" + std::to_string(*context.sandbox_pid) + "/ns/" + shared;
    if (kind == NamespaceKind::network && path.empty()) path = context.network_namespace;
    if (kind == NamespaceKind::pid && path.empty()) path = context.pid_namespace;
    if (kind == NamespaceKind::ipc && path.empty()) path = context.ipc_namespace;
    launch.namespaces.push_back({kind, std::move(path)});
  };
  if (context.users) add_user_namespace(*context.users, context.sandbox_pid, launch);
  add(NamespaceKind::mount, false, nullptr);
  add(NamespaceKind::pid, spec.host_pid, spec.share_process_namespace ? "pid" : nullptr);
  add(NamespaceKind::network, spec.host_network, "net");
  add(NamespaceKind::ipc, spec.host_ipc, "ipc");
  // Kubernetes: a host-network pod has the host's name.
  add(NamespaceKind::uts, has_machine_name(spec, container), "uts");
  add(NamespaceKind::cgroup, false, nullptr);
}

std::uint64_t propagation_of(const config::VolumeMount& mount) {
  switch (mount.propagation) {
    case config::MountPropagation::kHostToContainer:
      return MS_SLAVE | MS_REC;
    case config::MountPropagation::kBidirectional:
      return MS_SHARED | MS_REC;
    case config::MountPropagation::kNone:
      break;
  }
  return 0;
}

// Files that the agent writes are read-only for the container.
bool is_read_only(const config::PodSpec& spec, const config::VolumeMount& mount) {
  const auto volume = std::find_if(spec.volumes.begin(), spec.volumes.end(),
                                   [&](const config::Volume& each) { return each.name == mount.name; });
  if (mount.read_only || volume == spec.volumes.end()) return mount.read_only;
  if (const auto* claim = std::get_if<config::ClaimVolume>(&volume->source)) return claim->read_only;
  if (const auto* nfs = std::get_if<config::NfsVolume>(&volume->source)) return nfs->read_only;
  if (const auto* disk = std::get_if<config::DiskVolume>(&volume->source)) return disk->read_only;
  return !std::holds_alternative<config::EmptyDirVolume>(volume->source) &&
         !std::holds_alternative<config::EphemeralVolume>(volume->source) &&
         !std::holds_alternative<config::HostPathVolume>(volume->source);
}

// A subPath of files that the agent writes must name one of them: nothing else will ever be there.
Status check_file(const config::PodPlan& plan, const config::VolumeMount& mount, const std::string& sub_path) {
  const auto files = std::find_if(plan.volume_files.begin(), plan.volume_files.end(),
                                  [&](const config::VolumeFiles& each) { return each.volume == mount.name; });
  if (sub_path.empty() || files == plan.volume_files.end()) return {};
  const auto is_there = [&](const config::VolumeFile& file) {
    return file.path == sub_path || file.path.starts_with(sub_path + "/");
  };
  if (std::any_of(files->files.begin(), files->files.end(), is_there)) return {};
  return fail("volumeMounts " + mount.mount_path + ": found no file \"" + sub_path + "\" in volume \"" + mount.name +
              "\", expected a subPath that it has");
}

Status add_volumes(const config::PodPlan& plan, const config::Container& container,
                   const config::ContainerPlan& resolved, const ContainerContext& context, LaunchSpec& launch) {
  const auto first = static_cast<std::ptrdiff_t>(launch.mounts.size());
  for (std::size_t i = 0; i < container.volume_mounts.size(); ++i) {
    const auto& mount = container.volume_mounts[i];
    const auto volume = context.volumes.find(mount.name);
    if (volume == context.volumes.end()) return fail("volumeMounts: found no volume \"" + mount.name + "\" in the pod");
    const std::string& sub_path = i < resolved.sub_paths.size() ? resolved.sub_paths[i] : mount.sub_path;
    METE_CHECK(check_file(plan, mount, sub_path));
    launch.mounts.push_back({.destination = config::normal_path(mount.mount_path),
                             .type = "bind",
                             .source = volume->second,
                             .sub_path = config::fill_marks(sub_path, plan.pod, context.machine),
                             .attributes = is_read_only(plan.pod.spec, mount) ? MOUNT_ATTR_RDONLY : 0U,
                             .recursive = true,
                             .propagation = propagation_of(mount),
                             .id_map = context.users ? owners_of(*context.users) : process::IdMap()});
    launch.receive_host_mounts |= mount.propagation == config::MountPropagation::kHostToContainer;
  }
  // A mount point must be mounted before those below it, whatever the manifest's order.
  const auto depth = [](const process::MountSpec& mount) {
    return std::count(mount.destination.begin(), mount.destination.end(), '/');
  };
  std::stable_sort(launch.mounts.begin() + first, launch.mounts.end(),
                   [&](const auto& a, const auto& b) { return depth(a) < depth(b); });
  return {};
}

void add_environment(const config::PodPlan& plan, const config::ContainerPlan& resolved, const std::string& hostname,
                     const ContainerContext& context, LaunchSpec& launch) {
  const bool tty = launch.terminal.has_value();
  const auto& pod = plan.pod;
  launch.env = {kDefaultPath, "HOSTNAME=" + hostname};
  // As containerd has it; the image or the manifest may know better.
  if (tty) launch.env.emplace_back("TERM=xterm");
  if (!context.pressure_fifo.empty()) launch.env.push_back(std::string("MEMORY_PRESSURE_WATCH=") + kPressurePath);
  for (const auto& assignment : context.image.env) set_env(launch.env, assignment);
  for (const auto& each : resolved.env) {
    set_env(launch.env, each.name + "=" + config::fill_marks(each.value, pod, context.machine));
  }
}

void add_files(const config::Container& container, const ContainerContext& context, LaunchSpec& launch) {
  const auto bind = [&](const std::string& source, const std::string& destination) {
    const bool taken = std::any_of(launch.mounts.begin(), launch.mounts.end(),
                                   [&](const auto& mount) { return mount.destination == destination; });
    if (!source.empty() && !taken)
      launch.mounts.push_back({.destination = destination, .type = "bind", .source = source});
  };
  bind(context.hosts_file, "/etc/hosts");
  bind(context.resolv_file, "/etc/resolv.conf");
  bind(context.hostname_file, "/etc/hostname");
  bind(context.pressure_fifo, kPressurePath);
  bind(context.termination_log, config::normal_path(container.termination_message_path));
}

void add_filesystems(const config::PodSpec& spec, const config::Container& container, const ContainerContext& context,
                     LaunchSpec& launch) {
  const bool privileged = container.security->privileged;
  launch.mounts = process::default_mounts(!spec.host_network);
  if (spec.host_ipc) {
    for (auto& mount : launch.mounts) {
      if (mount.destination == "/dev/shm") mount = {.destination = "/dev/shm", .type = "bind", .source = "/dev/shm"};
    }
  }
  // A volume there takes its place, and a size of nothing is none.
  const bool has_volume =
      std::any_of(container.volume_mounts.begin(), container.volume_mounts.end(),
                  [](const auto& each) { return config::normal_path(each.mount_path) == "/dev/shm"; });
  if (has_volume || container.extras->shm_size == Bytes(0))
    std::erase_if(launch.mounts, [](const auto& mount) { return mount.destination == "/dev/shm"; });
  launch.devices = process::default_devices();
  for (const auto& device : context.devices) {
    const auto same = std::find_if(launch.devices.begin(), launch.devices.end(),
                                   [&](const auto& other) { return other.path == device.path; });
    if (same == launch.devices.end()) {
      launch.devices.push_back(device);
    } else {
      *same = device;
    }
  }
  launch.cgroup_mounts = process::cgroup_mounts(context.cgroup_view);
  if (privileged) {
    for (auto* mounts : {&launch.mounts, &launch.cgroup_mounts}) {
      for (auto& mount : *mounts) mount.attributes &= ~static_cast<std::uint64_t>(MOUNT_ATTR_RDONLY);
    }
  } else {
    if (!container.security->unmasked_proc) {
      launch.masked_paths = process::default_masked_paths();
      launch.read_only_paths = process::default_read_only_paths();
    }
    // Device nodes of an image must not work: a container's devices are those in /dev.
    launch.root_attributes = MOUNT_ATTR_NODEV;
  }
}

}  // namespace

bool needs_sandbox(const config::PodSpec& spec) {
  return spec.share_process_namespace || spec.containers.size() + spec.init_containers.size() > 1;
}

bool wants_init(const config::Pod& pod) {
  const auto at = pod.metadata.annotations.find("mete/init");
  return at != pod.metadata.annotations.end() && at->second == "true";
}

Result<LaunchSpec> container_spec(const config::PodPlan& plan, const config::Container& container,
                                  const config::ContainerPlan& resolved, const ContainerContext& context) {
  const auto& spec = plan.pod.spec;
  LaunchSpec launch;
  if (context.users && !context.overlay)
    return fail("hostUsers: false: found a storage driver that copies files (btrfs, vfs), expected overlay or erofs");
  METE_TRY(launch.args, command_line(resolved, context.image));
  for (auto& word : launch.args) word = config::fill_marks(word, plan.pod, context.machine);
  add_namespaces(spec, container, context, launch);
  launch.cgroup = context.cgroup;
  launch.rootfs = context.rootfs;
  launch.overlay = context.overlay;
  launch.read_only_root = container.security->read_only_root_filesystem;
  add_filesystems(spec, container, context, launch);
  METE_CHECK(add_volumes(plan, container, resolved, context, launch));
  add_files(container, context, launch);
  const bool machine_name = has_machine_name(spec, container);
  if (!machine_name) launch.hostname = hostname_of(plan.pod);
  if (container.tty) launch.terminal.emplace();
  add_environment(plan, resolved, machine_name ? context.machine.node_name : hostname_of(plan.pod), context, launch);
  const std::string& directory = container.working_dir.empty() ? context.image.working_dir : container.working_dir;
  launch.cwd = config::normal_path(directory);
  METE_CHECK(add_identity(plan.pod, container, context, launch));
  if (!context.sandbox_pid) launch.sysctls = sysctls_of(plan.pod);
  if (context.users) use_own_users(*context.users, !context.network_namespace.empty(), launch);
  launch.session_keyring = "_ses." + plan.pod.metadata.namespace_ + "_" + plan.pod.metadata.name + "_" + container.name;
  launch.oom_score_adj = context.oom_score_adj;
  launch.init = wants_init(plan.pod) && !spec.share_process_namespace;
  METE_CHECK(add_extras(*container.extras, launch));
  return launch;
}

LaunchSpec sandbox_spec(const config::Pod& pod, const process::CgroupJoin& cgroup, const std::string& network_namespace,
                        std::optional<std::uint32_t> users) {
  LaunchSpec launch;
  if (users) add_user_namespace(*users, std::nullopt, launch);
  if (!pod.spec.host_network) {
    launch.namespaces.push_back({NamespaceKind::network, network_namespace});
    launch.namespaces.push_back({NamespaceKind::uts, ""});
    launch.hostname = hostname_of(pod);
  }
  if (!pod.spec.host_ipc) launch.namespaces.push_back({NamespaceKind::ipc, ""});
  if (pod.spec.share_process_namespace && !pod.spec.host_pid) launch.namespaces.push_back({NamespaceKind::pid, ""});
  launch.cgroup = cgroup;
  launch.sysctls = sysctls_of(pod);
  if (users) use_own_users(*users, !network_namespace.empty(), launch);
  return launch;
}

}  // namespace mete::runtime::pod
