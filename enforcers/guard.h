// SPDX-License-Identifier: Apache-2.0
// Limits the blast radius of a policy: after `maxKills` kills within `per` the policy alerts instead of killing.
#pragma once

#include <chrono>
#include <optional>

#include "config/base/fifo.h"
#include "config/model/policy.h"

namespace mete::enforcers {

class KillGuard {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  // True: one more kill is allowed, and is counted. Without a policy every kill is allowed.
  [[nodiscard]] bool allow(const std::optional<config::GuardPolicy>& policy, Moment now);
  // Kills within the policy's period.
  [[nodiscard]] std::size_t recent() const { return kills_.size(); }

 private:
  config::Fifo<Moment> kills_;
};

}  // namespace mete::enforcers
