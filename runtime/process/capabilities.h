// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"

namespace mete::runtime::process {

// "CAP_NET_ADMIN" or "NET_ADMIN", in any case -> bit mask; "ALL" -> all of them; empty: no such capability.
[[nodiscard]] std::optional<std::uint64_t> capability_mask(std::string_view name);

// The names of the bits, "CAP_...", lowest first.
[[nodiscard]] std::vector<std::string> capability_names(std::uint64_t mask);

[[nodiscard]] std::uint64_t all_capabilities();  // that this build knows

// What this process may give at most: its bounding set (capabilities(7), /proc/self/status CapBnd).
[[nodiscard]] Result<std::uint64_t> own_bounding_set();

// What a container has when nothing is asked for: podman's 11 (containers/common), i.e. docker's without MKNOD, NET_RAW
// and AUDIT_WRITE.
[[nodiscard]] std::uint64_t default_capabilities();

}  // namespace mete::runtime::process
