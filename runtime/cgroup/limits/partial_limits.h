// SPDX-License-Identifier: Apache-2.0
// Limits of which a client of an OCI runtime names only a part; the rest stays as it is. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "config/base/result.h"
#include "runtime/cgroup/limits/limit_writes.h"

namespace mete::runtime::cgroup {

// The named parts whose meaning depends on the present limits. A named memory limit is in Limits::memory.
struct PartialLimits {
  std::optional<Limit<std::chrono::microseconds>> cpu_quota;
  std::optional<std::chrono::microseconds> cpu_period;
  // Memory and swap together, on v2 too. When only a memory limit is named, the present sum stays on v1 and the present
  // swap limit on v2; an unlimited memory limit alone makes swap unlimited, too (as with runc).
  std::optional<Limit<Bytes>> memory_and_swap;
  bool operator==(const PartialLimits&) const = default;
};

// `limits` completed by `partial`, and by `present` where only a part of a pair is named. An error: the kernel would
// not accept the result.
[[nodiscard]] Result<Limits> completed(Limits limits, const PartialLimits& partial, const Hierarchies& hierarchies,
                                       const Present& present);

// The limits whose present values completed() needs: in the result these have a value, whatever it is.
[[nodiscard]] Limits asked_about(Limits limits, const PartialLimits& partial);

}  // namespace mete::runtime::cgroup
