// SPDX-License-Identifier: Apache-2.0
#include "runtime/build/stage_order.h"

#include <algorithm>

namespace mete::runtime::build {

StageOrder::StageOrder(const Stages& stages, std::vector<std::size_t> order)
    : stages_(&stages), order_(std::move(order)), phases_(stages.all.size(), Phase::kWaits) {}

bool StageOrder::is_ready(std::size_t stage) const {
  const auto& needs = stages_->all[stage].needs;
  return phases_[stage] == Phase::kWaits &&
         std::all_of(needs.begin(), needs.end(), [&](std::size_t each) { return phases_[each] == Phase::kDone; });
}

std::optional<std::size_t> StageOrder::begin() {
  for (const std::size_t stage : order_) {
    if (!is_ready(stage)) continue;
    phases_[stage] = Phase::kRuns;
    return stage;
  }
  return std::nullopt;
}

void StageOrder::done(std::size_t stage) {
  phases_[stage] = Phase::kDone;
}

bool StageOrder::all_begun() const {
  return std::none_of(order_.begin(), order_.end(), [&](std::size_t each) { return phases_[each] == Phase::kWaits; });
}

bool StageOrder::side_by_side() const {
  for (std::size_t i = 1; i < order_.size(); ++i) {
    if (!builds_on(*stages_, order_[i], order_[i - 1])) return true;
  }
  return false;
}

bool builds_on(const Stages& stages, std::size_t stage, std::size_t other) {
  // Stages take from those before them only.
  std::vector<bool> taken(stages.all.size());
  taken[stage] = true;
  for (std::size_t i = stage + 1; i-- > other;) {
    if (!taken[i]) continue;
    if (i == other) return i != stage;
    for (const std::size_t each : stages.all[i].needs) taken[each] = true;
  }
  return false;
}

std::size_t steps_before(const Stages& stages, const std::vector<std::size_t>& order,
                         std::optional<std::size_t> until) {
  std::size_t steps = 0;
  for (const std::size_t each : order) {
    if (each == until) break;
    steps += 1 + stages.all[each].body.size();
  }
  return steps;
}

}  // namespace mete::runtime::build
