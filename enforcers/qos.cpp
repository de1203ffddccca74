// SPDX-License-Identifier: Apache-2.0
#include "enforcers/qos.h"

#include <algorithm>

namespace mete::enforcers {
namespace {

constexpr int kGuaranteedAdj = -997;
constexpr int kBestEffortAdj = 1000;
constexpr int kLowestBurstable = 3;  // above Guaranteed even after rounding
constexpr int kHighestBurstable = 999;

bool asks_nothing(const config::ResourceList& list) {
  return !list.cpu && !list.memory;
}

// Of what the pod requests and its containers do not (kubelet, remainingPodMemReqPerContainer).
Bytes share_of_the_rest(const config::PodSpec& spec) {
  if (!spec.resources || !spec.resources->requests.memory || spec.containers.empty()) return Bytes(0);
  Bytes rest = *spec.resources->requests.memory;
  for (const auto& each : spec.containers) rest -= each.resources.requests.memory.value_or(Bytes(0));
  return Bytes(std::max<std::int64_t>(0, rest.count()) / static_cast<std::int64_t>(spec.containers.size()));
}

bool is_guaranteed(const config::Resources& resources) {
  return resources.limits.cpu && resources.limits.memory && resources.requests.cpu == resources.limits.cpu &&
         resources.requests.memory == resources.limits.memory;
}

}  // namespace

std::string_view to_string(QosClass qos) {
  switch (qos) {
    case QosClass::kGuaranteed:
      return "Guaranteed";
    case QosClass::kBurstable:
      return "Burstable";
    case QosClass::kBestEffort:
      break;
  }
  return "BestEffort";
}

QosClass qos_of(const config::PodSpec& spec) {
  if (spec.resources) {
    if (is_guaranteed(*spec.resources)) return QosClass::kGuaranteed;
    const bool asks = !asks_nothing(spec.resources->requests) || !asks_nothing(spec.resources->limits);
    return asks ? QosClass::kBurstable : QosClass::kBestEffort;
  }
  bool all_guaranteed = true;
  bool none_asks = true;
  for (const auto* list : {&spec.init_containers, &spec.containers}) {
    for (const auto& container : *list) {
      all_guaranteed = all_guaranteed && is_guaranteed(container.resources);
      none_asks = none_asks && asks_nothing(container.resources.requests) && asks_nothing(container.resources.limits) &&
                  !container.extras->cpu_shares;
    }
  }
  if (none_asks) return QosClass::kBestEffort;
  return all_guaranteed ? QosClass::kGuaranteed : QosClass::kBurstable;
}

int oom_score_adj(const config::PodSpec& spec, const config::Container& container, Bytes machine_memory) {
  const QosClass qos = qos_of(spec);
  if (qos == QosClass::kGuaranteed) return kGuaranteedAdj;
  if (qos == QosClass::kBestEffort || machine_memory.count() <= 0) return kBestEffortAdj;
  const std::int64_t request =
      container.resources.requests.memory.value_or(Bytes(0)).count() + share_of_the_rest(spec).count();
  // The product cannot overflow in this order: a request is below 2^53, the factor is 1000.
  const auto share = static_cast<int>(std::min<std::int64_t>(1000, 1000 * request / machine_memory.count()));
  return std::clamp(kBestEffortAdj - share, kLowestBurstable, kHighestBurstable);
}

}  // namespace mete::enforcers
