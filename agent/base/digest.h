// SPDX-License-Identifier: Apache-2.0
// Short names for what is too long, or too secret, to be kept.
#pragma once

#include <string>
#include <string_view>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits.h"

namespace mete::agent {

// FNV-1a, 64 bits: tells apart versions of one thing, not an attacker's.
[[nodiscard]] std::string digest(std::string_view bytes);

// Of what the control files hold once these limits are written.
[[nodiscard]] std::string digest(const runtime::cgroup::Limits& limits,
                                 const runtime::cgroup::Hierarchies& hierarchies);

}  // namespace mete::agent
