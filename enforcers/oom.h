// SPDX-License-Identifier: Apache-2.0
// Decides what to do after the kernel has killed in a container because memory ran out. Pure: an observation in, a
// decision out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/units.h"
#include "config/model/policy.h"

namespace mete::enforcers {

// `policy`, or null when it is a dry run, which sets no limit, device or CPU.
[[nodiscard]] const config::Policy* in_force(const config::Policy* policy);

enum class OomAction { kKillContainer, kKillProcess };

[[nodiscard]] std::string_view to_string(OomAction action);

// The action on the other processes after the kernel has killed one. Without a policy the whole container is killed, as
// in Kubernetes since 1.28. A policy with `hold` or `raise` keeps the kernel from killing at the container's own limit;
// when the kernel kills all the same (an ancestor's limit, v2) the policy's second choice applies.
[[nodiscard]] OomAction oom_action(const config::Policy* policy);

// True: the policy decides before the kernel kills (`hold`, `raise`), on v1 by memory.oom_control, on v2 by a
// memory.high below the limit. False in dry run.
[[nodiscard]] bool decides_before_the_kernel(const config::Policy* policy);

// The memory.high of such a policy (v2): 1/32 of the limit below it, at least 1 MiB and at most half of it.
[[nodiscard]] Bytes tripwire_of(Bytes limit);

// v2: true when a group is at its tripwire because it needs more than its limit, false when page cache that can be
// reclaimed fills it. `reclaimable`: file pages on the group's LRU lists plus reclaimable slab, from memory.stat.
[[nodiscard]] bool out_of_memory_at(Bytes usage, Bytes reclaimable, Bytes limit);

struct OomObservation {
  std::uint64_t new_kills = 0;                         // each once (runtime/cgroup/memory/oom_kills.h)
  std::uint64_t nested_kills = 0;                      // of those, kills by the limit of a group inside the container
  bool processes_left = false;                         // a process of the container is still alive
  bool kernel_kills_group = false;                     // memory.oom.group: the kernel takes the rest itself
  OomAction usual_action = OomAction::kKillContainer;  // without a policy; kKillProcess for cgroups of others
};

struct OomDecision {
  bool kill_rest = false;  // send SIGKILL to the remaining processes of the container
  OomAction action = OomAction::kKillContainer;
};

// Kills are counted by the counters alone: wake-ups may come twice, late or never. A container whose own limit was not
// reached is left alone. A dry run decides the same.
[[nodiscard]] OomDecision decide_oom(const OomObservation& seen, const config::Policy* policy);

}  // namespace mete::enforcers
