// SPDX-License-Identifier: Apache-2.0
// HOME of a process whose environment has none: the home directory that the container's /etc/passwd gives its user, as
// in other runtimes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::oci {

// The home directory of the user `uid` in the text of a passwd file; "/" when it has no line or no absolute directory.
[[nodiscard]] std::string home_in(std::string_view passwd, std::uint32_t uid);

// The text of the /etc/passwd that the container will have: of a bind mount on it, else of the root file system; empty
// when there is none.
[[nodiscard]] std::string passwd_of(const process::LaunchSpec& launch);
// The same of the running container whose first process is `pid`.
[[nodiscard]] std::string passwd_of(pid_t pid);

[[nodiscard]] bool has_home(const std::vector<std::string>& env);

}  // namespace mete::runtime::oci
