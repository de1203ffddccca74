// SPDX-License-Identifier: Apache-2.0
// Limits of which only a part is named, as clients of an OCI runtime send them: what is not named stays as it is. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "config/result.h"
#include "runtime/cgroup/limit_writes.h"

namespace mete::runtime::cgroup {

// What depends on the present limits. Of memory, Limits::memory is what is named.
struct PartialLimits {
  std::optional<Limit<std::chrono::microseconds>> cpu_quota;
  std::optional<std::chrono::microseconds> cpu_period;
  // Both together, on v2 too. A memory limit alone keeps this sum on v1 and the swap on v2; no memory limit at all
  // without this is no limit for swap either (as with runc).
  std::optional<Limit<Bytes>> memory_and_swap;
  bool operator==(const PartialLimits&) const = default;
};

// `limits` with what `partial` names, and with what `present` has where only a part is named. Errors: the whole would
// be one that the kernel does not take.
[[nodiscard]] Result<Limits> completed(Limits limits, const PartialLimits& partial, const Hierarchies& hierarchies,
                                       const Present& present);

// The limits about which `present` must be known for completed(): they have some value.
[[nodiscard]] Limits asked_about(Limits limits, const PartialLimits& partial);

}  // namespace mete::runtime::cgroup
