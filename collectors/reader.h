// SPDX-License-Identifier: Apache-2.0
// Reads all cgroups into a Reading, in slices, and samples throttling in between. The reader never waits: its owner
// calls step() until the reading is complete, and sample() when due() has come.
//
//   reader.begin(targets);
//   while (!reader.step(5ms)) ...            // other work in between
//   std::shared_ptr<const Reading> reading = reader.take();
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/discovery/foreign_cgroups.h"
#include "collectors/due_queue.h"
#include "collectors/parent_watch.h"
#include "collectors/reading.h"
#include "collectors/sampler.h"
#include "collectors/target.h"
#include "collectors/throttle.h"
#include "collectors/usage_walker.h"
#include "runtime/cgroup/memory/oom_kills.h"

namespace mete::collectors {

struct ReaderOptions {
  CollectionOptions collection;
  ForeignCgroups::Options discovery;
};

class Reader {
 public:
  using Clock = std::chrono::steady_clock;

  // `hierarchies` must outlive the reader.
  Reader(const runtime::cgroup::Hierarchies& hierarchies, ReaderOptions options);

  // Starts discovery of the cgroups that others made. An error: inotify is not available; readings then contain the
  // given targets only.
  [[nodiscard]] Status discover();
  // The descriptor is readable when cgroups are made or removed: call handle_events(). -1 without discovery.
  [[nodiscard]] int fd() const { return foreign_ ? foreign_->fd() : -1; }
  void handle_events();

  // Begins a reading of these containers and pods and of the cgroups found. One reading at a time.
  void begin(std::vector<Target> targets);
  // Reads for about `budget`. True: the reading is complete.
  bool step(Clock::duration budget);
  [[nodiscard]] std::shared_ptr<const Reading> take();

  // When sample() next has work to do; empty: never.
  [[nodiscard]] std::optional<Clock::time_point> due() const;
  // Reads cpu.stat of the groups that are due, identifies again the groups whose identity was incomplete, and rescans
  // for cgroups that inotify did not report.
  void sample(Clock::time_point now);

  [[nodiscard]] std::span<const CollectionCost> cost() const { return collection_.cost(); }

 private:
  // State kept for a cgroup between readings. OOM kills of a cgroup whose target has no oom_kills.
  struct OomAccount {
    runtime::cgroup::OomCounters known;
    std::uint64_t kills = 0;
  };
  struct Watched {
    std::uint64_t cgroup_id = 0;
    std::optional<CgroupSampler> sampler;
    bool was_read = false;
    pid_t network_pid = 0;
    std::uint64_t limit_changes = 0;
    std::uint64_t reading = 0;        // number of the last reading that contained the group
    std::unique_ptr<OomAccount> oom;  // null: no kill yet
  };

  void forget(const std::vector<std::string>& gone);
  void add_ancestors();
  void look_at_parents();
  [[nodiscard]] bool may_have_waited(const std::string& path) const;
  void set_effective_limits();
  void read_target(const Target& target);
  const Sample* read_cgroup(Watched& watched, const Target& target);
  Watched& watched_of(const Target& target);
  [[nodiscard]] Count count_oom_kills(Watched& watched, const Target& target, const MemorySample& memory);
  const ThrottleWatch* watch_throttling(const Target& target, const Sample& sample);
  void forget_the_gone();
  [[nodiscard]] std::shared_ptr<const FilesystemUsage> filesystem_of(const Target& target);
  [[nodiscard]] std::shared_ptr<const FilesystemUsage> usage_of(const std::string& directory);
  void walk_one(Clock::time_point now);

  const runtime::cgroup::Hierarchies& hierarchies_;
  Collection collection_;
  MachineReader machine_;
  ForeignCgroups::Options discovery_;
  std::optional<ForeignCgroups> foreign_;  // empty: discovery is off
  bool failed_ = false;                    // an existing cgroup could not be read
  std::unordered_map<std::string, Watched> watched_;
  // A cgroup with several groups of this reading directly below it.
  struct Parent {
    std::unique_ptr<ParentWatch> watch;  // null: too few groups, each is read by itself
    std::size_t groups = 0;
    bool may_have_waited = true;
    std::uint64_t reading = 0;  // number of the last reading that contained one
  };
  std::unordered_map<std::string, Parent> parents_;
  std::unordered_map<std::string, ThrottleWatch> throttles_;  // of the groups with a quota
  DueQueue throttles_due_;
  struct Walk {
    UsageWalker walker;
    std::uint64_t reading = 0;  // number of the last reading that contained the directory
  };
  std::unordered_map<std::string, Walk> walks_;  // by writable directory
  DueQueue walks_due_;
  Clock::time_point walk_again_{};  // one duty cycle for all walks together
  std::vector<Target> targets_;
  std::size_t next_ = 0;
  std::uint64_t number_ = 0;
  std::shared_ptr<Reading> reading_;
};

}  // namespace mete::collectors
