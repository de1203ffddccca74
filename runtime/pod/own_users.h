// SPDX-License-Identifier: Apache-2.0
// hostUsers: false. The pod's containers are in a user namespace, whose ids are a range of the machine's that nothing
// else has; volumes and images keep the owners that the containers see. Pure.
#pragma once

#include <cstdint>

#include "runtime/pod/container_spec.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::pod {

inline constexpr std::uint32_t kUsersOfAPod = 65536;  // as the kubelet gives

// Ids 0 to 65535 of a file system are seen as the range that begins with `first`.
[[nodiscard]] process::IdMap owners_of(std::uint32_t first);

// The namespace itself: a new one, or the sandbox's. To be called before the other namespaces are listed.
void add_user_namespace(std::uint32_t first, std::optional<int> sandbox_pid, process::LaunchSpec& launch);

// What of a complete `launch` is another in a user namespace. `network_is_the_machines`: the network namespace belongs
// to the machine's users, as it was connected before there were others; its settings are not written from inside, and
// its /sys is the machine's, without the network devices.
void use_own_users(std::uint32_t first, bool network_is_the_machines, process::LaunchSpec& launch);

}  // namespace mete::runtime::pod
