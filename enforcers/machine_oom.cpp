// SPDX-License-Identifier: Apache-2.0
#include "enforcers/machine_oom.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace mete::enforcers {
namespace {

Bytes above_request(const OomCandidate& each) {
  return std::max(Bytes(0), each.usage - each.request);
}

std::string reason_of(const OomCandidate& each) {
  if (!each.protected_by.empty()) return "protected: " + each.protected_by;
  return "priority " + std::to_string(each.priority) + ", uses " + std::to_string(each.usage.count()) + " bytes, " +
         std::to_string(above_request(each).count()) + " above its request";
}

}  // namespace

std::int64_t priority_of(const config::PodSpec& spec) {
  if (spec.priority) return *spec.priority;
  if (spec.priority_class == "system-node-critical") return kCriticalPriority + 1000;
  if (spec.priority_class == "system-cluster-critical") return kCriticalPriority;
  return 0;
}

std::vector<Ranked> rank(const std::vector<OomCandidate>& candidates) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    const auto& each = candidates[i];
    return std::tuple(!each.protected_by.empty(), each.priority, -above_request(each).count(), -each.usage.count());
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<Ranked> ranked;
  ranked.reserve(order.size());
  for (const auto i : order) ranked.push_back({i, reason_of(candidates[i])});
  return ranked;
}

}  // namespace mete::enforcers
