// SPDX-License-Identifier: Apache-2.0
#include "agent/probes/probe_state.h"

#include <algorithm>

namespace mete::agent {

std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kStartup:
      return "Startup";
    case ProbeKind::kLiveness:
      return "Liveness";
    case ProbeKind::kReadiness:
      break;
  }
  return "Readiness";
}

std::optional<Health> ProbeState::add(ProbeResult result) {
  if (result == ProbeResult::kUnknown) return std::nullopt;
  const bool success = result != ProbeResult::kFailure;
  in_a_row_ = in_a_row_ > 0 && success == last_success_ ? in_a_row_ + 1 : 1;
  last_success_ = success;
  if (in_a_row_ < (success ? success_threshold_ : failure_threshold_)) return std::nullopt;
  const Health health = success ? Health::kWell : Health::kUnwell;
  if (health == health_) return std::nullopt;
  health_ = health;
  return health;
}

Health health_at_first(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kStartup:
      return Health::kNotKnown;
    case ProbeKind::kLiveness:
      return Health::kWell;
    case ProbeKind::kReadiness:
      break;
  }
  return Health::kUnwell;
}

std::chrono::nanoseconds next_probe(std::chrono::nanoseconds begin, std::chrono::nanoseconds period,
                                    std::chrono::nanoseconds now) {
  if (now <= begin) return begin;
  const auto periods = (now - begin + period - std::chrono::nanoseconds(1)) / period;
  return begin + periods * period;
}

bool TellingBudget::take(std::chrono::nanoseconds now) {
  const double refill = std::chrono::duration<double>(now - last_) / std::chrono::duration<double>(kEach);
  left_ = std::min(kAtOnce, left_ + std::max(0.0, refill));
  last_ = now;
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

}  // namespace mete::agent
