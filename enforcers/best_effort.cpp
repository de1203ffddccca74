// SPDX-License-Identifier: Apache-2.0
#include "enforcers/best_effort.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mete::enforcers {
namespace {

// Koordinator's values: at least 2 ms of 100 ms, steps of a tenth of the machine; changes below a hundredth are
// ignored.
constexpr double kLeast = 0.02;
constexpr double kStep = 0.10;
constexpr double kNoChange = 0.01;
// A bounded pod may want more than its usage shows; an unbounded pod's usage shows what it wants.
constexpr double kMayWant = 1.5;
constexpr double kMayBegin = 0.05;

}  // namespace

double best_effort_budget(Ratio share, const BestEffortFacts& facts) {
  const double others = std::max(facts.used - facts.used_best_effort, facts.reserved);
  const double budget = facts.cpus * static_cast<double>(share.count()) / 1e6 - others;
  return std::max(budget, kLeast);
}

std::vector<std::optional<double>> hold_best_effort(double budget, double cpus,
                                                    const std::vector<BestEffortPod>& pods) {
  std::vector<double> wants;
  wants.reserve(pods.size());
  for (const auto& pod : pods) wants.push_back(pod.used * (pod.held ? kMayWant : 1) + kMayBegin);
  std::vector<std::optional<double>> held(pods.size());
  if (std::accumulate(wants.begin(), wants.end(), 0.0) <= budget) return held;
  // Pods that want less than an even share get what they want; the others share the rest evenly.
  std::vector<std::size_t> order(pods.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wants[a] < wants[b]; });
  double left = budget;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t pod = order[i];
    const double even = left / static_cast<double>(order.size() - i);
    const double most = pods[pod].held ? *pods[pod].held + kStep * cpus : even;
    held[pod] = std::max(std::min({wants[pod], even, most}), kLeast);
    left = std::max(left - *held[pod], 0.0);
  }
  return held;
}

bool differs(const std::optional<double>& before, const std::optional<double>& after, double cpus) {
  if (before.has_value() != after.has_value()) return true;
  return before && std::abs(*before - *after) >= kNoChange * cpus;
}

}  // namespace mete::enforcers
