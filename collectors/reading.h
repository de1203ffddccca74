// SPDX-License-Identifier: Apache-2.0
// One coherent read of everything: the content of a scrape. A Reading is made once, then shared by its renderers, and
// never changed.
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
#include "collectors/exposition/native_histogram.h"
#include "collectors/kernel/machine.h"
#include "collectors/kernel/sample.h"

namespace mete::collectors {

enum class RunState : std::uint8_t { kWaiting, kStarting, kRunning, kExited };
inline constexpr std::array<RunState, 4> kRunStates = {RunState::kWaiting, RunState::kStarting, RunState::kRunning,
                                                       RunState::kExited};
[[nodiscard]] std::string_view to_string(RunState state);  // "waiting", "starting", "running", "exited"

// Kills because memory ran out, a kill of a whole group counted once, by the owner of the limit that was reached. The
// numbers include all restarts of the container and of the agent.
struct OomCounts {
  std::uint64_t container = 0, nested = 0, pod = 0, ancestor = 0, host = 0;
};

// The last kill of each kind, with its record.
struct OomExemplars {
  std::optional<Exemplar> container, nested, pod, ancestor, host;  // by the kernel, by the owner of the limit
  std::optional<Exemplar> policy;                                  // by a policy of mete
};

// Facts that only the launcher of a container knows. They outlive the cgroup.
struct Lifecycle {
  RunState state = RunState::kWaiting;
  std::uint64_t restarts = 0;
  std::optional<int> exit_code;  // of the last attempt that ended
  std::optional<int> health;     // 1 healthy, 0 not, -1 not known yet; empty: the container has no health check
  OomCounts oom_kills;
  std::uint64_t policy_kills = 0;  // kills by a policy of mete, not by the kernel
  // until memory usage reaches its limit at the present rate; empty: the usage does not grow, or has no limit
  Time time_to_oom;
  std::shared_ptr<const OomExemplars> last_ooms;  // null: none yet
};

// Upper bounds for the lengths of throttled stretches.
inline constexpr std::array<std::chrono::nanoseconds, 9> kThrottleBounds = {
    std::chrono::milliseconds(1),   std::chrono::microseconds(2'500), std::chrono::milliseconds(5),
    std::chrono::milliseconds(10),  std::chrono::milliseconds(25),    std::chrono::milliseconds(50),
    std::chrono::milliseconds(100), std::chrono::milliseconds(250),   std::chrono::seconds(1)};
struct ThrottleLengths {
  std::array<std::uint64_t, kThrottleBounds.size() + 1> buckets{};  // not cumulative; the last is +Inf
  std::chrono::nanoseconds sum{};
  NativeHistogram native;  // of the same stretches, in seconds
};

// The tightest limit over the cgroup, all its ancestors and the machine.
struct EffectiveLimits {
  std::optional<double> cpu_cores;
  Size memory;
  // Throttling of all ancestors together; empty when none has a quota. A group can be stopped on a CPU only while one
  // of its ancestors is, so the number is an upper bound.
  Time ancestor_throttled;
  Count ancestor_throttled_periods;
};

// The writable layer of a container, or a disk of the machine.
struct FilesystemUsage {
  std::string device;  // "/dev/vda1"
  Size usage;
  Size limit;  // size of the file system, or of the project quota
  Count inodes_free, inodes_total;
};

// One container, pod or any other cgroup in a reading.
struct Series {
  std::string path;  // the cgroup's
  std::uint64_t cgroup_id = 0;
  std::shared_ptr<const Identity> who;  // null: a pod's row that stands for its only container
  // id, name, image, namespace, pod, container, and further labels that the export policy allows.
  std::shared_ptr<const LabelBlock> labels;
  // namespace, pod, container: labels of families that outlive a cgroup. Null: mete did not launch the group.
  std::shared_ptr<const LabelBlock> workload;
  // The same as labels, with a name and an image: of a pod's row, for its network. Null: labels have both.
  std::shared_ptr<const LabelBlock> network;
  const Sample* sample = nullptr;  // one of Reading::samples; null: the group cannot be read (yet, or any more)
  std::optional<Lifecycle> lifecycle;
  std::shared_ptr<const ThrottleLengths> throttle_lengths;  // null: without a quota
  EffectiveLimits effective;
  std::shared_ptr<const FilesystemUsage> filesystem;  // null: no writable layer, or not measured yet
  std::vector<FilesystemUsage> disks;                 // of the machine; of the root cgroup alone
  std::optional<std::chrono::system_clock::time_point> created, started;
  bool with_network = true;   // network counters are written once per network namespace
  bool with_settings = true;  // spec_*: not on a pod's row that stands for its only container
};

// The cost of collecting, by collector: for mete_collection_seconds and mete_collection_errors_total.
struct CollectionCost {
  std::string_view collector;
  std::chrono::nanoseconds time{};
  std::uint64_t files = 0;   // reads
  std::uint64_t errors = 0;  // failed reads and parses; a removed cgroup is no error
};

struct Reading {
  std::chrono::steady_clock::time_point at{};  // when the reading began
  std::chrono::nanoseconds took{};
  std::vector<CollectionCost> cost;  // since the reader was made
  std::vector<Sample> samples;       // Series::sample points here: the capacity is reserved before the first read
  std::vector<Series> series;
  Machine machine;
};

}  // namespace mete::collectors
