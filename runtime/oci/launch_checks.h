// SPDX-License-Identifier: Apache-2.0
// What is asked of a container that is to be made, before anything is.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::oci {

// The root file system is there, and a directory.
[[nodiscard]] Status check_rootfs(const std::string& path);

// A terminal has somebody who takes it: a console socket, or a caller in the foreground (`takes_terminal`). In runc's
// words, because users of its clients know these lines.
[[nodiscard]] Status check_terminal(const process::LaunchSpec& launch, bool has_console_socket, bool takes_terminal);

// True with a cgroup namespace of its own: cgroup mounts are then made in it, after the child has entered the groups.
[[nodiscard]] bool has_own_view(const process::LaunchSpec& launch);

// New cgroup and mount namespaces, which see the machine's paths, in the machine's user namespace.
[[nodiscard]] bool may_bind(const process::LaunchSpec& launch);

}  // namespace mete::runtime::oci
