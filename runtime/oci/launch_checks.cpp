// SPDX-License-Identifier: Apache-2.0
#include "runtime/oci/launch_checks.h"

#include <sys/stat.h>

#include <algorithm>

namespace mete::runtime::oci {

using process::NamespaceKind;
using process::NamespaceUse;

Status check_rootfs(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("config.json: root.path: " + path);
  if (!S_ISDIR(info.st_mode)) return fail("config.json: root.path: found a file at " + path + ", expected a directory");
  return {};
}

Status check_terminal(const process::LaunchSpec& launch, bool has_console_socket, bool takes_terminal) {
  const bool wanted = launch.terminal.has_value();
  if (wanted && !has_console_socket && !takes_terminal) {
    return fail(
        "process.terminal: found true and no --console-socket, expected one: cannot allocate tty if mete-oci will "
        "detach without setting console socket");
  }
  if (!wanted && has_console_socket)
    return fail(
        "--console-socket: found one, expected none without process.terminal: cannot use console socket if mete-oci "
        "will not detach or allocate tty");
  return {};
}

bool has_own_view(const process::LaunchSpec& launch) {
  const auto& all = launch.namespaces;
  return std::any_of(all.begin(), all.end(), [](const auto& use) { return use.kind == NamespaceKind::cgroup; });
}

bool may_bind(const process::LaunchSpec& launch) {
  const auto fits = [](const NamespaceUse& use) {
    return use.kind != NamespaceKind::user &&
           (use.path.empty() || (use.kind != NamespaceKind::cgroup && use.kind != NamespaceKind::mount));
  };
  return std::all_of(launch.namespaces.begin(), launch.namespaces.end(), fits);
}

}  // namespace mete::runtime::oci
