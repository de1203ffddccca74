// SPDX-License-Identifier: Apache-2.0
// Changing what a running pod is allotted: pure functions of what is asked and what there is.
#pragma once

#include <optional>

#include "config/pod_spec.h"
#include "config/result.h"
#include "runtime/cgroup/limits.h"

namespace mete::enforcers {

// What a person asks for beyond the manifest (`mete update`). Empty fields leave the manifest's.
struct ResourceUpdate {
  std::optional<MilliCpu> cpu_limit, cpu_request;
  std::optional<Bytes> memory_limit, memory_request;
  bool operator==(const ResourceUpdate&) const = default;
  [[nodiscard]] bool empty() const { return *this == ResourceUpdate(); }
};

// A request that was the limit stays the limit, unless it is given too. What had no request gets none by a limit: that
// would make it another QoS class. The error: a request above its limit; it names both.
[[nodiscard]] Result<config::Resources> updated(config::Resources resources, const ResourceUpdate& update);

// `later` over `earlier`, field by field.
[[nodiscard]] ResourceUpdate merged(const ResourceUpdate& earlier, const ResourceUpdate& later);

// While the limits of a pod's containers go from one to the other the pod's own must hold both: quota and memory limit
// are the larger of the two, all else is `after`.
[[nodiscard]] runtime::cgroup::Limits widest(const runtime::cgroup::Limits& before,
                                             const runtime::cgroup::Limits& after);

// "memory limit 64Mi -> 128Mi, cpu request 100m -> 200m"; empty when nothing has changed.
[[nodiscard]] std::string describe_change(const config::Resources& before, const config::Resources& after);

}  // namespace mete::enforcers
