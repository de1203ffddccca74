// SPDX-License-Identifier: Apache-2.0
// Selects the policy of a cgroup that others made. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/model/policy.h"

namespace mete::enforcers {

// Among the policies that select by cgroup: the one with the most specific matching glob (the most characters that are
// no wildcard). Null: none matches. The error names both policies when two are equally specific.
[[nodiscard]] Result<const config::Policy*> policy_of_cgroup(std::span<const config::Policy> policies,
                                                             std::string_view path);

}  // namespace mete::enforcers
