// SPDX-License-Identifier: Apache-2.0
// The root of a container whose owners are mapped: an overlay of layers that are seen with the owners of the
// container's user namespace. The layers, which many containers share, are not touched.
#pragma once

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/plan/mount_op.h"

namespace mete::runtime::process {

// A detached mount of `op.prepared`, for the child. Gives the upper directory to the root of the user namespace. Uses
// the directory `op.target` in a mount namespace of its own (a forked process: the caller has one thread). Error: a
// file system or kernel without idmapped mounts (Linux 5.19 for overlayfs).
[[nodiscard]] Result<UniqueFd> prepare_root(const MountRoot& op);

}  // namespace mete::runtime::process
