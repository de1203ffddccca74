// SPDX-License-Identifier: Apache-2.0
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>

#include "runtime/oci/read_parts.h"

namespace mete::runtime::oci {
namespace {

using process::NamespaceKind;

void read_namespaces(const Node& namespaces, process::LaunchSpec& launch) {
  constexpr std::array<std::pair<std::string_view, NamespaceKind>, 8> kKinds = {{{"mount", NamespaceKind::mount},
                                                                                {"pid", NamespaceKind::pid},
                                                                                {"network", NamespaceKind::network},
                                                                                {"ipc", NamespaceKind::ipc},
                                                                                {"uts", NamespaceKind::uts},
                                                                                {"cgroup", NamespaceKind::cgroup},
                                                                                {"user", NamespaceKind::user},
                                                                                {"time", NamespaceKind::time}}};
  for (const auto& node : namespaces.items()) {
    const std::string type = node["type"].text();
    const auto at = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& each) { return each.first == type; });
    if (at == kKinds.end()) {
      node["type"].bad("\"" + type + "\"", "mount, pid, network, ipc, uts, cgroup, user or time");
      continue;
    }
    process::NamespaceUse use{at->second, node["path"].text()};
    if (std::any_of(launch.namespaces.begin(), launch.namespaces.end(), [&](const auto& other) { return other.kind == use.kind; })) {
      node["type"].bad("\"" + type + "\" twice", "each namespace once");
    }
    if (!use.path.empty() && use.path.front() != '/') node["path"].bad("\"" + use.path + "\"", "an absolute path");
    if (!use.path.empty() && (use.kind == NamespaceKind::mount || use.kind == NamespaceKind::user)) {
      node["path"].refuse("joining a " + type + " namespace cannot be done yet; leave the path out for a new one");
    }
    launch.namespaces.push_back(std::move(use));
  }
}

void read_mappings(const Node& mappings, std::vector<process::IdMapping>& all) {
  for (const auto& node : mappings.items()) {
    all.push_back({node["containerID"].u32(), node["hostID"].u32(), node["size"].u32()});
    if (all.back().count == 0) node["size"].bad("0", "at least 1");
  }
}

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
  // The runtime's own, unless the image's /dev is somebody else's directory.
  const bool bound = std::any_of(launch.mounts.begin(), launch.mounts.end(),
                                 [](const process::MountSpec& mount) { return mount.destination == "/dev" && mount.type == "bind"; });
  if (bound) return;
  for (auto& device : process::default_devices()) {
    const bool asked = std::any_of(launch.devices.begin(), launch.devices.end(),
                                   [&](const process::DeviceSpec& other) { return other.path == device.path; });
    if (!asked) launch.devices.push_back(std::move(device));
  }
}

void read_propagation(const Node& node, process::LaunchSpec& launch) {
  const std::string name = node.text();
  if (name == "slave" || name == "rslave") {
    launch.root_propagation = MS_SLAVE | MS_REC;
    launch.receive_host_mounts = true;
  } else if (name.empty() || name == "private" || name == "rprivate") {
    if (launch.receive_host_mounts) launch.root_propagation = MS_PRIVATE | MS_REC;
  } else if (name == "shared" || name == "rshared" || name == "unbindable" || name == "runbindable") {
    node.refuse("\"" + name + "\" cannot be done yet; private and slave can");
  } else {
    node.bad("\"" + name + "\"", "private or slave");
  }
}

void check_identities(const Node& linux_part, const process::LaunchSpec& launch) {
  const bool user = has_own(launch, NamespaceKind::user);
  if (user && (launch.uid_mappings.empty() || launch.gid_mappings.empty())) {
    linux_part["uidMappings"].bad("no mappings", "some of users and of groups, for the new user namespace");
  }
  if (!user && (!launch.uid_mappings.empty() || !launch.gid_mappings.empty())) {
    linux_part["uidMappings"].bad("mappings", "none without a new user namespace");
  }
  const bool offsets = launch.monotonic_offset || launch.boottime_offset;
  if (offsets && !has_own(launch, NamespaceKind::time)) {
    linux_part["timeOffsets"].bad("offsets", "none without a new time namespace");
  }
  if (!has_own(launch, NamespaceKind::mount)) linux_part["namespaces"].bad("no mount namespace", "a new one");
}

void refuse_what_is_not_done(const Node& linux_part) {
  for (const char* const field : {"intelRdt", "netDevices", "memoryPolicy", "mountLabel"}) {
    if (linux_part[field].asks()) linux_part[field].refuse("this cannot be done yet; leave the field out");
  }
  const Node domain = linux_part["personality"]["domain"];
  if (domain.asks() && domain.text() != "LINUX") domain.refuse("found \"" + domain.text() + "\"; only LINUX can be had yet");
}

}  // namespace

void read_linux_part(const Node& linux_part, ReadContext& context) {
  auto& launch = context.config.launch;
  read_namespaces(linux_part["namespaces"], launch);
  read_mappings(linux_part["uidMappings"], launch.uid_mappings);
  read_mappings(linux_part["gidMappings"], launch.gid_mappings);
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
  const Node path = linux_part["cgroupsPath"];
  context.config.cgroups_path = path.text();
  if (context.config.cgroups_path.find(':') != std::string::npos && !context.config.cgroups_path.starts_with('/')) {
    path.refuse("\"" + context.config.cgroups_path + "\" is systemd's form (slice:prefix:name); only paths can be had yet");
  }
  if (!context.config.cgroups_path.empty() && !context.config.cgroups_path.starts_with('/')) {
    context.config.cgroups_path = "/" + context.config.cgroups_path;
  }
  read_resources_part(linux_part["resources"], context.config.limits, context.config.device_rules);
  read_seccomp_part(linux_part["seccomp"], context);
  refuse_what_is_not_done(linux_part);
}

}  // namespace mete::runtime::oci
