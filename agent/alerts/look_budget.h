// SPDX-License-Identifier: Apache-2.0
// Bounds the CPU time that early evaluations of the rules may take: a share of one core on average, and more for a
// short time. So the first kill after a quiet second is evaluated without a wait, also when other events came just
// before it. Pure: no clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace mete::agent {

class LookBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr int kShare = 20;                   // a twentieth of a core
  static constexpr std::chrono::seconds kSavings{1};  // what this long a rest saves can be spent at once: 50 ms

  // A look that ended at `now` took `cost`.
  void spend(Time now, std::chrono::nanoseconds cost) {
    paid_until_ = std::max(paid_until_, now - kSavings) + std::chrono::duration_cast<Time::duration>(kShare * cost);
  }
  // The next look may begin then.
  [[nodiscard]] Time free_at() const { return paid_until_; }

 private:
  Time paid_until_{};
};

}  // namespace mete::agent
