// SPDX-License-Identifier: Apache-2.0
#include "runtime/pod/network_sysctls.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <thread>

#include "runtime/file.h"

namespace mete::runtime::pod {
namespace {

Status write_all_sysctls(const UniqueFd& space, const std::map<std::string, std::string>& sysctls) {
  if (::setns(space.get(), CLONE_NEWNET) != 0) return fail_errno("enter the pod's network");
  for (const auto& [name, value] : sysctls) {
    if (!name.starts_with("net.")) continue;
    std::string path = "/proc/sys/" + name;
    std::replace(path.begin() + static_cast<std::ptrdiff_t>(path.find_last_of('/') + 1), path.end(), '.', '/');
    METE_CHECK(write_control(AT_FDCWD, path, value));
  }
  return {};
}

}  // namespace

// As docker and containerd do it in a network of the container's own: every user may listen on any port and send pings.
std::map<std::string, std::string> sysctls_of(const config::Pod& pod) {
  std::map<std::string, std::string> sysctls;
  const auto network = pod.metadata.annotations.find("mete/network");
  const bool of_another = network != pod.metadata.annotations.end() && network->second.starts_with("container:");
  if (!pod.spec.host_network && !of_another)
    sysctls = {{"net.ipv4.ip_unprivileged_port_start", "0"}, {kPingGroups, kAllGroups}};
  for (const auto& [name, value] : pod.spec.security->sysctls) sysctls[name] = value;
  return sysctls;
}

Status write_network_sysctls(const std::string& path, const std::map<std::string, std::string>& sysctls) {
  METE_TRY(const UniqueFd space, open_at(AT_FDCWD, path, O_RDONLY));
  Status done;
  std::thread([&] { done = write_all_sysctls(space, sysctls); }).join();
  return done;
}

}  // namespace mete::runtime::pod
