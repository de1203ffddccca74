// SPDX-License-Identifier: Apache-2.0
// NOTIFY_SOCKET (sd_notify(3)): the container gets a socket of its own at /run/notify/notify.sock, and mete-oci
// forwards its readiness to the manager that started mete-oci. systemd would not accept the message from a process of
// the container, which is in another cgroup.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/state.h"

namespace mete::runtime::oci {

// For create: when NOTIFY_SOCKET is set in the environment, makes the socket's directory in the container's state
// directory and adds its mount and variable to `launch`. Otherwise does nothing.
[[nodiscard]] Status offer_notify_socket(const Place& place, process::LaunchSpec& launch);

// For start: opens the socket before the command runs; invalid when no socket was offered or no manager is there.
[[nodiscard]] Result<UniqueFd> open_notify_socket(const Place& place);

// Waits until the container sends READY=1, which is forwarded with `pid`, or until the container has ended.
void pass_readiness(const UniqueFd& socket, pid_t pid, const UniqueFd& pidfd);

}  // namespace mete::runtime::oci
