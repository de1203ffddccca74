// SPDX-License-Identifier: Apache-2.0
// Which OOM kills there were in a group, each once, and whose limit it was: worked out from all counters of its path.
//
// What the kernel counts (mm/oom_kill.c, mm/memcontrol.c):
// - v2 counts `oom` at the group whose limit was reached, `oom_kill` at the victim's group, `oom_group_kill` at the
//   group that is killed as a whole (memory.oom.group). memory.events has them with all groups below it,
//   memory.events.local of the group alone.
// - A kill of a whole group counts each of its processes as `oom_kill`, the first victim twice. The highest group
//   between the victim and the limit that has memory.oom.group is the one that is killed: a nested group that reaches
//   its own limit never takes those above it along, and the kill by an ancestor's group shows as `oom_kill` alone.
// - `oom` grows without a kill too, and more than once for one kill where a limit is written below the usage.
// - v1 counts oom_kill at the victim's group alone. At the group whose limit was reached it counts charges that were
//   refused (memory.failcnt, memory.memsw.failcnt), also those for which memory was found without a kill.
// - v2 mounted with memory_localevents has in memory.events what memory.events.local has: of the group alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

struct OomEvents {
  std::uint64_t ooms = 0;    // times that a limit was reached and nothing could be reclaimed (v2)
  std::uint64_t kills = 0;   // processes killed
  std::uint64_t groups = 0;  // groups killed as a whole (v2, kernel 5.17)
  bool operator==(const OomEvents&) const = default;
};

// An ancestor, its own events alone.
struct OomAbove {
  std::string path;
  std::uint64_t ooms = 0, groups = 0;
  bool operator==(const OomAbove&) const = default;
};

struct OomCounters {
  OomEvents all;                                // v2: of the group and those below it; v1: of the group alone
  std::optional<OomEvents> own;                 // v2: of the group alone; empty: not read
  std::vector<OomAbove> above;                  // v2: nearest first; empty: not read
  std::map<std::string, std::uint64_t> nested;  // v1: kills by the path of each group below it
  std::map<std::string, OomEvents> below;       // v2 with memory_localevents: the same, of each alone
  // v1: charges that were refused at the limit of the group, of each below it and of each ancestor; empty: not read.
  std::optional<std::map<std::string, std::uint64_t>> refused;
  bool operator==(const OomCounters&) const = default;
};

enum class OomPlace : std::uint8_t {
  kUnknown,  // no limit of the path was reached, or the counters do not tell (v1)
  kNested,   // the limit of a group below it
  kOwn,
  kAbove,  // the limit of an ancestor
};

struct OomKill {
  OomPlace place = OomPlace::kUnknown;
  bool as_group = false;  // more than the victim were killed
  std::string group{};    // the ancestor of kAbove; v1: the group below it in which the victim was; else empty
  // v1: the only group on the victim's path at whose limit charges were refused meanwhile; where the kernel's log does
  // not tell, the limit was its. Empty: there are several, or none, as of a machine that has run out of memory.
  std::string likely{};
  bool operator==(const OomKill&) const = default;
};

struct OomNews {
  std::vector<OomKill> kills;
  // The kernel may be in the midst of killing a group: what is seen as kills of processes may turn out to be one kill
  // of a group. To be read again.
  bool unsettled = false;
};

// Facts about the group besides its counters.
struct OomFacts {
  bool kills_group = false;  // memory.oom.group is set
  // A group was killed a moment ago: processes that are counted now, while no limit was reached, are the rest of it.
  bool after_group_kill = false;
  std::string path;  // of the group (v1)
};

// Pure. `before`: the counters up to which all kills are known. A counter that went back belongs to a new group.
[[nodiscard]] OomNews oom_kills_between(const OomCounters& before, const OomCounters& now, const OomFacts& facts);

// True: `now` may count a kill that `before` does not. The counters need no `own` and `above`.
[[nodiscard]] bool has_new_kills(const OomCounters& before, const OomCounters& now);

// Reads OomCounters::all, nested and below: one file; on v1, and with memory_localevents, one more for each group
// below. Fails as Group::read does, and with EOPNOTSUPP where the kernel has no oom_kill (before 4.13).
[[nodiscard]] Result<OomCounters> read_oom_counters(const Group& group);
// Reads the rest. v2: one file of the group and one of each ancestor; v1: two of each and of those below.
void read_oom_path(const Group& group, OomCounters& counters);

}  // namespace mete::runtime::cgroup
