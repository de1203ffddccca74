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

// The policy, or null for a dry run: that asks for no limit, no device and no CPU.
[[nodiscard]] const config::Policy* in_force(const config::Policy* policy);

enum class OomAction { kKillContainer, kKillProcess };

[[nodiscard]] std::string_view to_string(OomAction action);

// What becomes of the rest after the kernel has killed one. Without a policy the whole container dies with the kernel's
// victim, as in Kubernetes since 1.28. A policy that holds or raises has kept the kernel from killing at the
// container's own limit; where it killed all the same (an ancestor's limit, v2) its second choice counts.
[[nodiscard]] OomAction oom_action(const config::Policy* policy);

// Does the policy want to decide before the kernel kills (`hold`, `raise`)? On v1 by memory.oom_control, on v2 by a
// memory.high below the limit. Not in dry run.
[[nodiscard]] bool decides_before_the_kernel(const config::Policy* policy);

// Where memory.high stands (v2) for such a policy: below the limit by 1/32 of it, at least 1 MiB and at most half.
[[nodiscard]] Bytes tripwire_of(Bytes limit);

// v2: is a group at its tripwire because it needs more than its limit, and not because of page cache that makes room by
// itself? `reclaimable`: file pages on the group's LRU lists and reclaimable slab, of memory.stat.
[[nodiscard]] bool out_of_memory_at(Bytes usage, Bytes reclaimable, Bytes limit);

struct OomObservation {
  std::uint64_t kills_before = 0;  // memory.oom_control oom_kill, memory.events oom_kill or oom_group_kill
  std::uint64_t kills_now = 0;
  bool processes_left = false;                         // somebody in the container is still alive
  bool kernel_kills_group = false;                     // memory.oom.group: the kernel takes the rest itself
  OomAction usual_action = OomAction::kKillContainer;  // where no policy says; of cgroups of others: kKillProcess
};

struct OomDecision {
  std::uint64_t new_kills = 0;  // to be counted and told; 0: a wake-up without a kill
  bool kill_rest = false;       // SIGKILL to what is left in the container
  OomAction action = OomAction::kKillContainer;
};

// Kills are counted by the counter alone: wake-ups may come twice, late or never. Of a dry run the same is decided.
[[nodiscard]] OomDecision decide_oom(const OomObservation& seen, const config::Policy* policy);

}  // namespace mete::enforcers
