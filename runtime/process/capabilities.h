// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::process {

// Bit mask of one capability: "CAP_NET_ADMIN" or "NET_ADMIN", in any case. "ALL" is the mask of all capabilities.
// Empty: no such capability.
[[nodiscard]] std::optional<std::uint64_t> capability_mask(std::string_view name);

// Names ("CAP_...") of the bits in `mask`, lowest bit first.
[[nodiscard]] std::vector<std::string> capability_names(std::uint64_t mask);

[[nodiscard]] std::uint64_t all_capabilities();  // all that this build knows

// The bounding set of this process: the most that it can give to a container (capabilities(7), /proc/self/status
// CapBnd).
[[nodiscard]] Result<std::uint64_t> own_bounding_set();

// Capabilities of a container that asks for none: podman's 11 (containers/common), that is docker's without MKNOD,
// NET_RAW and AUDIT_WRITE.
[[nodiscard]] std::uint64_t default_capabilities();

}  // namespace mete::runtime::process
