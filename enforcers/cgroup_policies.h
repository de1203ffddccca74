// SPDX-License-Identifier: Apache-2.0
// Which policy holds a cgroup that somebody else made. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/policy.h"
#include "config/result.h"

namespace mete::enforcers {

// Of the policies that select by cgroup, the one whose matching glob says most (has the most characters that are no
// wildcard). Null: none matches. The error names both when two of them say equally much.
[[nodiscard]] Result<const config::Policy*> policy_of_cgroup(std::span<const config::Policy> policies,
                                                             std::string_view path);

}  // namespace mete::enforcers
