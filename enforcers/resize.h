// SPDX-License-Identifier: Apache-2.0
// Changes the resources of a running pod: pure functions of the wanted and the present values.
#pragma once

#include <optional>

#include "config/base/result.h"
#include "config/model/pod_spec.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::enforcers {

// Resources set by `mete update` beyond the manifest. An empty field leaves the manifest's value.
struct ResourceUpdate {
  std::optional<MilliCpu> cpu_limit, cpu_request;
  std::optional<Bytes> memory_limit, memory_request;
  bool operator==(const ResourceUpdate&) const = default;
  [[nodiscard]] bool empty() const { return *this == ResourceUpdate(); }
};

// Applies `update`. A request that equals the limit follows the limit unless the update sets it too. A limit adds no
// request where there was none, because the pod would change its QoS class. An error: a request above its limit; the
// text names both.
[[nodiscard]] Result<config::Resources> updated(config::Resources resources, const ResourceUpdate& update);

// `later` laid over `earlier`, field by field.
[[nodiscard]] ResourceUpdate merged(const ResourceUpdate& earlier, const ResourceUpdate& later);

// The pod's own limits while those of its containers change: quota and memory limit are the larger of the two, so that
// both states fit; all other values are those of `after`.
[[nodiscard]] runtime::cgroup::Limits widest(const runtime::cgroup::Limits& before,
                                             const runtime::cgroup::Limits& after);

// Whether the container's own words (resizePolicy) ask for a restart before it has these.
[[nodiscard]] bool takes_restart(const config::Container& container, const config::Resources& to);

// "memory limit 64Mi -> 128Mi, cpu request 100m -> 200m"; empty when nothing has changed.
[[nodiscard]] std::string describe_change(const config::Resources& before, const config::Resources& after);

}  // namespace mete::enforcers
