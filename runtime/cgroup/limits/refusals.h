// SPDX-License-Identifier: Apache-2.0
// Requests that the limits of a cgroup have refused, other than for memory: the kernel counts them and kills nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

enum class Refusal : std::uint8_t {
  kFork,       // a fork in the group, or below it from kernel 6.11 on: `max` of pids.events
  kForkLocal,  // a fork in the group or below it, for the limit of this very group: `max` of pids.events.local (v2,
               // kernel 6.11, which counts in the group whose limit it was and no longer in the one that forked)
  kSwapLimit,  // the group was at its limit on swap: `max` of memory.swap.events (v2)
  kSwapFull,   // the machine had no swap left: `fail` of memory.swap.events (v2)
};

// The place where the kernel counts a refusal. The file's name is also for messages.
struct RefusalCounter {
  const char* controller;  // "pids"
  const char* file;        // "pids.events"
  const char* key;         // "max"
};
[[nodiscard]] RefusalCounter counter_of(Refusal kind);

// The number of refusals so far. Empty: the group is gone, or this machine does not count them. Reads one file.
[[nodiscard]] std::optional<std::uint64_t> refusals(const Group& group, Refusal kind);

// The group's limit on tasks. Empty: no limit.
[[nodiscard]] std::optional<std::uint64_t> pids_limit(const Group& group);

// A group that has a limit on tasks: the group itself or an ancestor. Both matter, because a refused fork is counted in
// the group that forks, also when an ancestor's limit was reached (v1, and v2 before pids_localevents, kernel 6.11).
struct PidsLimit {
  std::string path;
  std::uint64_t limit = 0, tasks = 0;
  std::optional<std::uint64_t> most;  // tasks that it ever had (pids.peak, kernel 6.1)
};
[[nodiscard]] std::vector<PidsLimit> pids_limits_of_path(const Group& group);

// Pure: the group of `path` (the own group first) whose limit has just refused a fork: the first that is at its limit,
// else (some tasks have ended since) the first that ever was. Null: unknown.
[[nodiscard]] const PidsLimit* refusing(const std::vector<PidsLimit>& path);

}  // namespace mete::runtime::cgroup
