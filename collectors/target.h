// SPDX-License-Identifier: Apache-2.0
// A container or pod that the caller launched, in its state at the time of a reading. The reader adds the kernel's
// numbers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "collectors/reading.h"

namespace mete::collectors {

struct Target {
  std::string path;             // the cgroup's
  std::uint64_t cgroup_id = 0;  // its inode (Group::id); 0: there is no cgroup now, only `base`
  bool foreign = false;         // made by others, not by mete
  std::shared_ptr<const Identity> who;
  std::shared_ptr<const LabelBlock> labels;
  std::shared_ptr<const LabelBlock> pod_labels;  // not null: the pod's only container; its row serves as the pod's too
  std::shared_ptr<const LabelBlock> network_labels;  // of a pod's row: Series::network
  std::shared_ptr<const LabelBlock> workload;        // null: a pod's row
  std::shared_ptr<const Sample> base;                // counters of the cgroups that no longer exist; null: none
  std::optional<Lifecycle> lifecycle;
  Count oom_kills;  // of all scopes, as the launcher counts them; empty: the reader counts
  std::optional<std::chrono::system_clock::time_point> created, started;  // the cgroup, what runs in it
  std::string writable;       // directory of its writable layer, whose size is measured; empty: none
  std::string writable_base;  // `writable` began as a copy of it, and what it has more is measured; empty: of nothing
  std::uint64_t limit_changes = 0;  // differs from the last reading: read the settings again
  // Each write to a setting counts in limit_changes, so the settings need not be read to find that they changed.
  bool settings_watched = false;
  pid_t network_pid = 0;  // a process in its network namespace; 0: no network row
};

}  // namespace mete::collectors
