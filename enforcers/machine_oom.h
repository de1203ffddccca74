// SPDX-License-Identifier: Apache-2.0
// Chooses the victim when the machine itself runs out of memory. Pure.
//
// Order: the lowest declared priority first; among equals the largest usage beyond the request; then the largest usage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/units.h"
#include "config/model/pod_spec.h"

namespace mete::enforcers {

// The lowest priority of Kubernetes' own critical pods; users' priorities must be lower.
inline constexpr std::int64_t kCriticalPriority = 2'000'000'000;

// spec.priority, else the priority of the classes that every cluster has, else 0.
[[nodiscard]] std::int64_t priority_of(const config::PodSpec& spec);

struct OomCandidate {
  std::string name;  // "container main of default/web"
  std::int64_t priority = 0;
  Bytes usage;               // working set: the memory that its end frees
  Bytes request;             // 0: no request
  std::string protected_by;  // why it must not be killed; empty: it may be
};

struct Ranked {
  std::size_t index;   // into the candidates
  std::string reason;  // the criterion of its rank
};

// All candidates, the first victim first and the protected ones last.
[[nodiscard]] std::vector<Ranked> rank(const std::vector<OomCandidate>& candidates);

}  // namespace mete::enforcers
