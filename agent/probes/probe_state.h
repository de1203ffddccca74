// SPDX-License-Identifier: Apache-2.0
// What the results of a probe make of a container, and when the next one is due. Pure: no clock and no I/O. The rules
// are the kubelet's (pkg/kubelet/prober/worker.go): a result counts when it has come so many times in a row.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/model/probe.h"

namespace mete::agent {

enum class ProbeKind : std::uint8_t { kStartup, kLiveness, kReadiness };
inline constexpr std::size_t kProbeKinds = 3;
[[nodiscard]] std::string_view to_string(ProbeKind kind);  // "Startup", as in the kubelet's events and labels

enum class ProbeResult : std::uint8_t {
  kSuccess,
  kWarning,  // a success of which a person should know
  kFailure,
  kUnknown,  // it could not be made: counts neither way
};

struct ProbeOutcome {
  ProbeResult result = ProbeResult::kUnknown;
  std::string message;  // for a person; empty: nothing to say
  bool operator==(const ProbeOutcome&) const = default;
};

enum class Health : std::uint8_t { kNotKnown, kWell, kUnwell };

class ProbeState {
 public:
  // `from`: the health before the first result.
  ProbeState(const config::Probe& probe, Health from)
      : success_threshold_(probe.success_threshold), failure_threshold_(probe.failure_threshold), health_(from) {}

  // The new health when this result changes it.
  std::optional<Health> add(ProbeResult result);
  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] int in_a_row() const { return in_a_row_; }  // of the last result that counts

 private:
  int success_threshold_;
  int failure_threshold_;
  Health health_;
  bool last_success_ = false;
  int in_a_row_ = 0;
};

// Before its first result: a container is alive, and it is not ready.
[[nodiscard]] Health health_at_first(ProbeKind kind);

// The first time of the grid begin, begin + period, ... that is not before `now`. All probes of a container stand on
// the grid of its start, so that those of many containers are spread as their starts were, also after the agent's own.
[[nodiscard]] std::chrono::nanoseconds next_probe(std::chrono::nanoseconds begin, std::chrono::nanoseconds period,
                                                  std::chrono::nanoseconds now);

// Which of many equal failures are told: `kAtOnce`, then one each `kEach`, as the kubelet's event recorder does.
class TellingBudget {
 public:
  static constexpr double kAtOnce = 25;
  static constexpr std::chrono::seconds kEach{300};
  [[nodiscard]] bool take(std::chrono::nanoseconds now);

 private:
  double left_ = kAtOnce;
  std::chrono::nanoseconds last_{0};
};

}  // namespace mete::agent
