// SPDX-License-Identifier: Apache-2.0
// Launches a child that shares the launcher's memory until it executes its command (clone3(2), CLONE_VM | CLONE_VFORK),
// for one more process in a container: nothing of the launcher's memory is copied, and nothing is said over a socket,
// because nothing of the plan needs the launcher's help. The launcher stands still meanwhile. A container that is
// frozen in the fraction of a millisecond between clone and exec holds the launcher until it is thawed, as it would
// hold its command.
#pragma once

#include <optional>

#include "runtime/process/launch/launcher.h"

namespace mete::runtime::process {

// Pure: the plan enters a container by the pidfd of its first process, and has no step in which the launcher has a
// part.
[[nodiscard]] bool can_share_memory(const Plan& plan, const LaunchOptions& options);

// As launch(). Nothing: the kernel has not let it begin, and no process was made; launch() may know another way.
[[nodiscard]] std::optional<Result<Launched>> launch_sharing_memory(const Plan& plan, const LaunchOptions& options);

}  // namespace mete::runtime::process
