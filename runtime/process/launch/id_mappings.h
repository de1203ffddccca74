// SPDX-License-Identifier: Apache-2.0
// The mappings of a user namespace: user_namespaces(7).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::process {

// Writes /proc/PID/uid_map and gid_map. When the kernel allows the caller only its own id, newuidmap(1) and
// newgidmap(1) write the mappings instead, within what /etc/subuid and /etc/subgid allow.
[[nodiscard]] Status write_id_mappings(pid_t pid, const std::vector<IdMapping>& uids,
                                       const std::vector<IdMapping>& gids);

// A descriptor of a user namespace without processes, for MOUNT_ATTR_IDMAP.
[[nodiscard]] Result<UniqueFd> open_id_map(const IdMap& map);

// Gives those of the descriptors that are pipes to `owner`, so that a command in a user namespace may open them again
// as /dev/stdout. A file or device keeps its owner.
void give_pipes(const std::array<int, 3>& fds, std::uint32_t owner);

}  // namespace mete::runtime::process
