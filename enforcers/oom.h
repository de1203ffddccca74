// SPDX-License-Identifier: Apache-2.0
// What to do when the kernel has killed in a container for want of memory. Pure: an observation in, a decision out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/policy.h"
#include "config/units.h"

namespace mete::enforcers {

enum class OomAction { kKillContainer, kKillProcess };

[[nodiscard]] std::string_view to_string(OomAction action);

// Without a policy the whole container dies with the kernel's victim, as in Kubernetes since 1.28. `hold` and `raise`
// are not active yet and fall back to it.
[[nodiscard]] OomAction oom_action(const config::Policy* policy);

struct OomObservation {
  std::uint64_t kills_before = 0;  // memory.oom_control oom_kill, memory.events oom_kill or oom_group_kill
  std::uint64_t kills_now = 0;
  bool processes_left = false;  // somebody in the container is still alive
  bool kernel_kills_group = false;  // memory.oom.group: the kernel takes the rest itself
};

enum class OomOutcome { kNone, kDone, kDryRun };

struct OomDecision {
  std::uint64_t new_kills = 0;  // to be counted and told; 0: a wake-up without a kill
  bool kill_rest = false;       // SIGKILL to what is left in the container
  OomAction action = OomAction::kKillContainer;
  OomOutcome outcome = OomOutcome::kNone;  // of kill_rest
};

// Kills are counted by the counter alone: wake-ups may come twice, late or never.
[[nodiscard]] OomDecision decide_oom(const OomObservation& seen, const config::Policy* policy);

}  // namespace mete::enforcers
