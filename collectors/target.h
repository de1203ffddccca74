// SPDX-License-Identifier: Apache-2.0
// A container or pod that the caller launched, as it stands when a reading is asked for. The reader adds what the
// kernel says.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "collectors/reading.h"

namespace mete::collectors {

// How the kernel's counter of OOM kills becomes the container's: base + counter - from.
struct OomTally {
  std::uint64_t base = 0;  // of the cgroups that are gone
  std::uint64_t from = 0;  // where the present cgroup's counter stood when it became the one that counts
  std::uint64_t told = 0;  // of that counter: known already; stands in when the cgroup cannot be read
  bool by_group = false;   // group kills count, not processes (memory.oom.group)
};

struct Target {
  std::string path;             // of the cgroup
  std::uint64_t cgroup_id = 0;  // its inode (Group::id); 0: it has none now, `base` is all there is
  bool foreign = false;         // somebody else made it
  std::shared_ptr<const Identity> who;
  std::shared_ptr<const LabelBlock> labels;
  std::shared_ptr<const LabelBlock> pod_labels;  // not null: the pod's only container; its row is the pod's too
  std::shared_ptr<const LabelBlock> workload;    // null: a pod's row
  std::shared_ptr<const Sample> base;            // counters of the cgroups that are gone; null: none
  std::optional<Lifecycle> lifecycle;            // its oom_kills.container is set by the reader
  OomTally oom;
  std::optional<std::chrono::system_clock::time_point> created, started;  // the cgroup, what runs in it
  std::string writable;             // directory of its writable layer, whose size is looked for; empty: none
  std::uint64_t limit_changes = 0;  // another number than last time: read its settings again
  pid_t network_pid = 0;            // a process in its network namespace; 0: no network row
};

// Kills by the container's own limit: what the tally says of `sample` (null: not read) less those of other scopes.
[[nodiscard]] std::uint64_t own_oom_kills(const OomTally& tally, const OomCounts& others, const Sample* sample);

}  // namespace mete::collectors
