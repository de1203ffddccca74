// SPDX-License-Identifier: Apache-2.0
// Blast radius: after `maxKills` kills within `per`, a policy alerts instead of killing.
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "config/policy.h"

namespace mete::enforcers {

class KillGuard {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  // May one more be killed? Counts it when it may. Without a policy always.
  [[nodiscard]] bool allow(const std::optional<config::GuardPolicy>& policy, Moment now);
  // Kills that count now.
  [[nodiscard]] std::size_t recent() const { return kills_.size(); }

 private:
  std::deque<Moment> kills_;
};

}  // namespace mete::enforcers
