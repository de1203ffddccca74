// SPDX-License-Identifier: Apache-2.0
// One coherent read of everything: what a scrape shows. Made once, then shared by whoever renders it, and not changed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/discovery/identity.h"
#include "collectors/exposition/exposition.h"
#include "collectors/kernel/machine.h"
#include "collectors/kernel/sample.h"

namespace mete::collectors {

enum class RunState : std::uint8_t { kWaiting, kStarting, kRunning, kExited };
inline constexpr std::array<RunState, 4> kRunStates = {RunState::kWaiting, RunState::kStarting, RunState::kRunning,
                                                       RunState::kExited};
[[nodiscard]] std::string_view to_string(RunState state);  // "waiting", "starting", "running", "exited"

// Processes killed for want of memory, by whose limit. Over all restarts of the container and of the agent.
struct OomCounts {
  std::uint64_t container = 0, pod = 0, ancestor = 0, host = 0;
};

// What only the launcher of a container knows. It outlives the cgroup.
struct Lifecycle {
  RunState state = RunState::kWaiting;
  std::uint64_t restarts = 0;
  std::optional<int> exit_code;  // of the last attempt that ended
  std::optional<int> health;     // 1 healthy, 0 not, -1 not known yet; empty: nothing is checked
  OomCounts oom_kills;
  std::uint64_t policy_kills = 0;  // by a policy and not by the kernel
  Time time_to_oom;  // until memory usage reaches its limit, at the present rate; empty: it does not grow, or has no
                     // limit
  std::shared_ptr<const Exemplar> last_oom;  // null: none yet
};

// Buckets of one distribution; bounds are the family's.
template <std::size_t N>
struct Distribution {
  std::array<std::uint64_t, N + 1> buckets{};  // not cumulative; the last is +Inf
  std::chrono::nanoseconds sum{};
};
// How long throttled stretches lasted: upper bounds.
inline constexpr std::array<std::chrono::nanoseconds, 9> kThrottleBounds = {
    std::chrono::milliseconds(1),   std::chrono::microseconds(2'500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),    std::chrono::milliseconds(50),
    std::chrono::milliseconds(100), std::chrono::milliseconds(250),   std::chrono::seconds(1)};
using ThrottleLengths = Distribution<kThrottleBounds.size()>;

// The tightest over the cgroup, all its ancestors and the machine.
struct EffectiveLimits {
  std::optional<double> cpu_cores;
  Size memory;
  // Of all ancestors together; empty when none has a quota. A group is stopped on a CPU only while one of them is, so
  // it lost no more than that.
  Time ancestor_throttled;
  Count ancestor_throttled_periods;
};

// The writable layer of a container.
struct FilesystemUsage {
  std::string device;  // "/dev/vda1"
  Size usage;
  Size limit;  // of the file system, or of the project quota
  Count inodes_free, inodes_total;
};

// One container, pod or any other cgroup in a reading.
struct Series {
  std::string path;  // of the cgroup
  std::uint64_t cgroup_id = 0;
  std::shared_ptr<const Identity> who;  // null: a pod's row that stands for its only container
  // id, name, image, namespace, pod, container and what else the export policy allows.
  std::shared_ptr<const LabelBlock> labels;
  // namespace, pod, container: for what outlives a cgroup. Null: a cgroup that no one of ours launched.
  std::shared_ptr<const LabelBlock> workload;
  const Sample* sample = nullptr;  // null: there is nothing to read (yet, or any more); in Reading::samples
  std::optional<Lifecycle> lifecycle;
  std::optional<ThrottleLengths> throttle_lengths;
  EffectiveLimits effective;
  std::shared_ptr<const FilesystemUsage> filesystem;  // null: it has none, or it was not measured yet
  std::optional<std::chrono::system_clock::time_point> created, started;
  bool with_network = true;   // network is written once per network namespace
  bool with_settings = true;  // spec_*: not on a pod's row that stands for its only container
};

// What collecting itself costs, by collector: for mete_collection_seconds and mete_collection_errors_total.
struct CollectionCost {
  std::string_view collector;
  std::chrono::nanoseconds time{};
  std::uint64_t files = 0;   // reads
  std::uint64_t errors = 0;  // reads that failed or could not be understood; a removed cgroup is none
};

struct Reading {
  std::chrono::steady_clock::time_point at{};  // when it was begun
  std::chrono::nanoseconds took{};
  std::vector<CollectionCost> cost;  // since the start of who reads
  std::vector<Sample> samples;       // pointed to: has room for all before the first is read
  std::vector<Series> series;
  Machine machine;
};

}  // namespace mete::collectors
