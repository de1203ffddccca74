// SPDX-License-Identifier: Apache-2.0
// Short digests of texts that are too long, or too secret, to be stored.
#pragma once

#include <string>
#include <string_view>

#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::agent {

// FNV-1a, 64 bits: distinguishes versions of one thing; no defence against an attacker.
[[nodiscard]] std::string digest(std::string_view bytes);

// The digest of the control files' contents after these limits are written.
[[nodiscard]] std::string digest(const runtime::cgroup::Limits& limits,
                                 const runtime::cgroup::Hierarchies& hierarchies);

}  // namespace mete::agent
