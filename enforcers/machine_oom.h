// SPDX-License-Identifier: Apache-2.0
// Who is to go when the machine itself runs out of memory. Pure.
//
// By declared priority, the lowest first; among equals by how much more it uses than it asked for; then by size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/pod_spec.h"
#include "config/units.h"

namespace mete::enforcers {

// Kubernetes' own critical pods begin here; nobody's own priority may be as high.
inline constexpr std::int64_t kCriticalPriority = 2'000'000'000;

// Of spec.priority, else of the classes that every cluster has; else 0.
[[nodiscard]] std::int64_t priority_of(const config::PodSpec& spec);

struct OomCandidate {
  std::string name;  // "container main of default/web"
  std::int64_t priority = 0;
  Bytes usage;               // working set: what is gained by its end
  Bytes request;             // 0: it asked for nothing
  std::string protected_by;  // why it is left alone; empty: it is not
};

struct Ranked {
  std::size_t index;   // into the candidates
  std::string reason;  // what it was ranked by
};

// All of them, whoever is to go first at the front, the protected at the end.
[[nodiscard]] std::vector<Ranked> rank(const std::vector<OomCandidate>& candidates);

}  // namespace mete::enforcers
