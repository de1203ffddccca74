// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "runtime/oci/config/namespace_names.h"
#include "runtime/oci/config/read_parts.h"
#include "runtime/oci/config/seccomp_file.h"

namespace mete::runtime::oci {
namespace {

using process::NamespaceKind;

void read_time_offsets(const Node& offsets, process::LaunchSpec& launch) {
  for (const auto& [clock, node] : offsets.members()) {
    const process::TimeOffset offset{node["secs"].i64(), node["nanosecs"].u32()};
    if (clock == "monotonic") {
      launch.monotonic_offset = offset;
    } else if (clock == "boottime") {
      launch.boottime_offset = offset;
    } else {
      node.bad("\"" + clock + "\"", "monotonic or boottime");
    }
  }
}

bool has_own(const process::LaunchSpec& launch, NamespaceKind kind) {
  return std::any_of(launch.namespaces.begin(), launch.namespaces.end(),
                     [&](const process::NamespaceUse& use) { return use.kind == kind && use.path.empty(); });
}

bool has(const process::LaunchSpec& launch, NamespaceKind kind) {
  return std::any_of(launch.namespaces.begin(), launch.namespaces.end(),
                     [&](const process::NamespaceUse& use) { return use.kind == kind; });
}

void read_devices(const Node& devices, process::LaunchSpec& launch) {
  for (const auto& node : devices.items()) {
    process::DeviceSpec device;
    device.path = node["path"].text();
    if (!device.path.starts_with('/')) node["path"].bad("\"" + device.path + "\"", "an absolute path");
    const std::string type = node["type"].text();
    const std::uint32_t mode = static_cast<std::uint32_t>(node["fileMode"].integer(0666, 0, 0177777)) & 07777U;
    if (type == "c" || type == "u") {
      device.type_and_mode = S_IFCHR | mode;
    } else if (type == "b") {
      device.type_and_mode = S_IFBLK | mode;
    } else if (type == "p") {
      device.type_and_mode = S_IFIFO | mode;
    } else {
      node["type"].bad("\"" + type + "\"", "c, b, u or p");
    }
    if (type != "p") device.device = makedev(node["major"].u32(), node["minor"].u32());
    device.uid = node["uid"].u32();
    device.gid = node["gid"].u32();
    launch.devices.push_back(std::move(device));
  }
  // The runtime's default devices, unless /dev is a bind of a host directory.
  const bool bound = std::any_of(launch.mounts.begin(), launch.mounts.end(), [](const process::MountSpec& mount) {
    return mount.destination == "/dev" && mount.type == "bind";
  });
  if (bound) return;
  for (auto& device : process::default_devices()) {
    const bool asked = std::any_of(launch.devices.begin(), launch.devices.end(),
                                   [&](const process::DeviceSpec& other) { return other.path == device.path; });
    if (!asked) launch.devices.push_back(std::move(device));
  }
}

void read_propagation(const Node& node, process::LaunchSpec& launch) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 4> kNames = {
      {{"private", MS_PRIVATE}, {"slave", MS_SLAVE}, {"shared", MS_SHARED}, {"unbindable", MS_UNBINDABLE}}};
  const std::string name = node.text();
  if (name.empty()) return;
  const bool recursive = name.front() == 'r';
  const auto at = std::find_if(kNames.begin(), kNames.end(), [&](const auto& each) {
    return each.first == std::string_view(name).substr(recursive ? 1 : 0);
  });
  if (at == kNames.end()) {
    node.bad("\"" + name + "\"", "private, slave, shared or unbindable, or one of them with r before it");
    return;
  }
  if (at->second == MS_PRIVATE) return;  // private already
  launch.root_propagation = at->second | (recursive ? std::uint64_t{MS_REC} : 0U);
  if (at->second == MS_SLAVE || at->second == MS_SHARED) launch.receive_host_mounts = true;
}

void read_net_devices(const Node& devices, ReadContext& context) {
  constexpr std::size_t kLongest = 15;  // IFNAMSIZ - 1
  const auto good = [](const std::string& name) {
    return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
           name.find_first_of("/: \t\n%") == std::string::npos;
  };
  for (const auto& [host_name, node] : devices.members()) {
    const std::string name = node["name"].text(host_name);
    if (!good(host_name)) node.bad("\"" + host_name + "\"", "the name of a network interface");
    if (!good(name)) node["name"].bad("\"" + name + "\"", "a name for a network interface, at most 15 characters");
    for (const auto& other : context.config.net_devices) {
      if (other.name == name) node["name"].bad("\"" + name + "\" twice", "each name once");
    }
    context.config.net_devices.push_back({host_name, name});
  }
  if (!context.config.net_devices.empty() && !has_own(context.config.launch, NamespaceKind::network)) {
    devices.bad("interfaces and no network namespace of the container's own", "none without one");
  }
}

void check_identities(const Node& linux_part, const process::LaunchSpec& launch) {
  const bool user = has_own(launch, NamespaceKind::user);
  const bool joined = !user && has(launch, NamespaceKind::user);
  if (user && (launch.uid_mappings.empty() || launch.gid_mappings.empty())) {
    linux_part["uidMappings"].bad("no mappings", "some of users and of groups, for the new user namespace");
  }
  if (!user && !joined && (!launch.uid_mappings.empty() || !launch.gid_mappings.empty())) {
    linux_part["uidMappings"].bad("mappings", "none without a new user namespace");
  }
  const bool offsets = launch.monotonic_offset || launch.boottime_offset;
  if (offsets && !has_own(launch, NamespaceKind::time)) {
    linux_part["timeOffsets"].bad("offsets", "none without a new time namespace");
  }
}

void refuse_what_is_not_done(const Node& linux_part) {
  if (linux_part["intelRdt"].asks())
    linux_part["intelRdt"].refuse("cache and memory bandwidth allocation cannot be set; leave the field out");
  if (linux_part["mountLabel"].asks())
    linux_part["mountLabel"].refuse("SELinux labels cannot be set; leave the field out");
}

void read_cgroups_path(const Node& path, ReadContext& context) {
  context.config.cgroups_path = path.text();
  const bool for_systemd =
      context.config.cgroups_path.find(':') != std::string::npos && !context.config.cgroups_path.starts_with('/');
  if (for_systemd && !context.surroundings.systemd) {
    path.bad("\"" + context.config.cgroups_path + "\", systemd's form", "a path, or --systemd-cgroup with it");
  }
  if (context.surroundings.systemd) return;
  if (!context.config.cgroups_path.empty() && !context.config.cgroups_path.starts_with('/')) {
    context.config.cgroups_path = "/" + context.config.cgroups_path;
  }
}

}  // namespace

void read_namespaces(const Node& namespaces, process::LaunchSpec& launch) {
  for (const auto& node : namespaces.items()) {
    const std::string type = node["type"].text();
    const auto at = std::find_if(kNamespaceNames.begin(), kNamespaceNames.end(),
                                 [&](const auto& each) { return each.first == type; });
    if (at == kNamespaceNames.end()) {
      node["type"].bad("\"" + type + "\"", "mount, pid, network, ipc, uts, cgroup, user or time");
      continue;
    }
    process::NamespaceUse use{at->second, node["path"].text()};
    if (std::any_of(launch.namespaces.begin(), launch.namespaces.end(),
                    [&](const auto& other) { return other.kind == use.kind; })) {
      node["type"].bad("\"" + type + "\" twice", "each namespace once");
    }
    if (!use.path.empty() && use.path.front() != '/') node["path"].bad("\"" + use.path + "\"", "an absolute path");
    launch.namespaces.push_back(std::move(use));
  }
}

void read_mappings(const Node& mappings, std::vector<process::IdMapping>& all) {
  for (const auto& node : mappings.items()) {
    all.push_back({node["containerID"].u32(), node["hostID"].u32(), node["size"].u32()});
    if (all.back().count == 0) node["size"].bad("0", "at least 1");
  }
}

void read_linux_part(const Node& linux_part, ReadContext& context) {
  auto& launch = context.config.launch;
  read_time_offsets(linux_part["timeOffsets"], launch);
  read_devices(linux_part["devices"], launch);
  read_propagation(linux_part["rootfsPropagation"], launch);
  check_identities(linux_part, launch);
  launch.masked_paths = linux_part["maskedPaths"].texts();
  launch.read_only_paths = linux_part["readonlyPaths"].texts();
  for (const char* const field : {"maskedPaths", "readonlyPaths"}) {
    for (const auto& path : linux_part[field].texts()) {
      if (!path.starts_with('/')) linux_part[field].bad("\"" + path + "\"", "absolute paths");
    }
  }
  for (const auto& [key, value] : linux_part["sysctl"].members()) launch.sysctls[key] = value.text();
  read_cgroups_path(linux_part["cgroupsPath"], context);
  read_resources_part(linux_part["resources"], context.config.resources);
  read_net_devices(linux_part["netDevices"], context);
  read_machine_tuning(linux_part, launch.tuning);
  context.config.seccomp = read_seccomp(linux_part["seccomp"]);
  refuse_what_is_not_done(linux_part);
}

}  // namespace mete::runtime::oci
