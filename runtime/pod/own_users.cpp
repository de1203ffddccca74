// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/own_users.h"

#include <algorithm>

#include "runtime/pod/network_sysctls.h"

namespace mete::runtime::pod {
namespace {

// The kernel mounts a sysfs only for the owner of the network namespace.
void use_machines_sys(process::LaunchSpec& launch) {
  for (auto& mount : launch.mounts) {
    if (mount.type != "sysfs") continue;
    mount.type = "bind";
    mount.source = "/sys";
    mount.data.clear();
    launch.masked_paths.insert(launch.masked_paths.end(), {"/sys/class/net", "/sys/devices/virtual/net"});
  }
}

}  // namespace

process::IdMap owners_of(std::uint32_t first) {
  const process::IdMapping all{0, first, kUsersOfAPod};
  return {.uids = {all}, .gids = {all}, .user_namespace = {}, .recursive = false};
}

void add_user_namespace(std::uint32_t first, std::optional<int> sandbox_pid, process::LaunchSpec& launch) {
  using process::NamespaceKind;
  if (sandbox_pid) {
    launch.namespaces.push_back({NamespaceKind::user, "/proc/" + std::to_string(*sandbox_pid) + "/ns/user"});
    return;
  }
  launch.namespaces.push_back({NamespaceKind::user, ""});
  launch.uid_mappings = launch.gid_mappings = owners_of(first).uids;
}

void use_own_users(std::uint32_t first, bool network_is_the_machines, process::LaunchSpec& launch) {
  if (launch.overlay) launch.overlay->owners = owners_of(first);
  launch.stdio_owner = first + launch.identity.uid;
  // The kernel takes groups of the namespace only.
  const auto pings = launch.sysctls.find(kPingGroups);
  if (pings != launch.sysctls.end() && pings->second == kAllGroups)
    pings->second = "0 " + std::to_string(kUsersOfAPod - 1);
  if (!network_is_the_machines) return;
  std::erase_if(launch.sysctls, [](const auto& each) { return each.first.starts_with("net."); });
  use_machines_sys(launch);
}

}  // namespace mete::runtime::pod
