// SPDX-License-Identifier: Apache-2.0
// What a cgroup was refused by its limits, short of memory: the kernel counts, and nobody is killed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

enum class Refusal : std::uint8_t {
  kFork,       // it had as many tasks as it may: `max` of pids.events
  kSwapLimit,  // it had as much swap as it may: `max` of memory.swap.events (v2)
  kSwapFull,   // the machine had no swap left: `fail` of memory.swap.events (v2)
};

// Where the kernel counts it. The file's name is also for messages.
struct RefusalCounter {
  const char* controller;  // "pids"
  const char* file;        // "pids.events"
  const char* key;         // "max"
};
[[nodiscard]] RefusalCounter counter_of(Refusal kind);

// Times so far. Empty: the group is gone, or this machine does not count it. One file.
[[nodiscard]] std::optional<std::uint64_t> refusals(const Group& group, Refusal kind);

// The most tasks that it may have. Empty: no limit.
[[nodiscard]] std::optional<std::uint64_t> pids_limit(const Group& group);

// A refused fork is counted in the group that forks, also when the limit is an ancestor's (v1, and v2 before
// pids_localevents, kernel 6.11): the group and its ancestors with a limit, the group first, as far as they have one.
struct PidsLimit {
  std::string path;
  std::uint64_t limit = 0, tasks = 0;
  std::optional<std::uint64_t> most;  // tasks that it ever had (pids.peak, kernel 6.1)
};
[[nodiscard]] std::vector<PidsLimit> pids_limits_of_path(const Group& group);

// Pure: whose limit has refused a fork a moment ago: the first that is at it, else (some tasks have ended since) the
// first that ever was. Null: it cannot be told.
[[nodiscard]] const PidsLimit* refusing(const std::vector<PidsLimit>& path);

}  // namespace mete::runtime::cgroup
