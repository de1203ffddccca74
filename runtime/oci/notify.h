// SPDX-License-Identifier: Apache-2.0
// NOTIFY_SOCKET (sd_notify(3)): the container gets a socket of its own at /run/notify/notify.sock, and that it is ready
// is told on to whoever started us. systemd would not take it from a process of the container, which is in another
// cgroup.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/oci/config.h"
#include "runtime/oci/state.h"

namespace mete::runtime::oci {

// create: when NOTIFY_SOCKET is in our environment, the directory of the socket in the container's place, its mount and
// its variable. Else nothing.
[[nodiscard]] Status offer_notify_socket(const Place& place, process::LaunchSpec& launch);

// start: opens the socket, before the command runs; invalid when none was offered, or nobody is to be told.
[[nodiscard]] Result<UniqueFd> open_notify_socket(const Place& place);

// Waits until the container says READY=1, which is told on with its pid, or has ended.
void pass_readiness(const UniqueFd& socket, pid_t pid, const UniqueFd& pidfd);

}  // namespace mete::runtime::oci
