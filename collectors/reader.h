// SPDX-License-Identifier: Apache-2.0
// Reads all cgroups into a Reading, in slices, and samples throttling in between. It waits for nothing: its owner calls
// step() until it is done and sample() when it is due.
//
//   reader.begin(targets);
//   while (!reader.step(5ms)) ...            // other work in between
//   std::shared_ptr<const Reading> reading = reader.take();
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "collectors/discovery/cgroup_tree.h"
#include "collectors/discovery/export_policy.h"
#include "collectors/discovery/identify.h"
#include "collectors/reading.h"
#include "collectors/sampler.h"
#include "collectors/target.h"
#include "collectors/throttle.h"

namespace mete::collectors {

struct ReaderOptions {
  CollectionOptions collection;
  IdentityRoots roots;
  std::string own_parent;  // the subtree whose cgroups come as targets
  ExportPolicy exported;
};

class Reader {
 public:
  using Clock = std::chrono::steady_clock;

  // `hierarchies` must outlive the reader.
  Reader(const runtime::cgroup::Hierarchies& hierarchies, ReaderOptions options);

  // Finds the cgroups that others made. An error: there is no inotify; readings are of the targets alone.
  [[nodiscard]] Status discover();
  // Readable when cgroups come or go: call see_changes(). -1 without discovery.
  [[nodiscard]] int fd() const { return tree_ ? tree_->fd() : -1; }
  void see_changes();

  // A new reading, of these containers and pods and of the cgroups found. One at a time.
  void begin(std::vector<Target> targets);
  // Reads for about `budget`; true: complete.
  bool step(Clock::duration budget);
  [[nodiscard]] std::shared_ptr<const Reading> take();

  // When sample() has something to do next.
  [[nodiscard]] std::optional<Clock::time_point> due() const;
  // Reads cpu.stat of those that are due, asks again who those are that nobody knew, looks for lost cgroups.
  void sample(Clock::time_point now);

  [[nodiscard]] std::span<const CollectionCost> cost() const { return collection_.cost(); }

 private:
  // What is kept of a cgroup between readings.
  struct Watched {
    std::uint64_t cgroup_id = 0;
    std::optional<CgroupSampler> sampler;
    bool was_read = false;
    pid_t network_pid = 0;
    std::uint64_t limit_changes = 0;
    std::uint64_t reading = 0;  // the last one it was in
  };

  // A cgroup that somebody else made.
  struct Foreign {
    std::shared_ptr<const Identity> who;
    std::shared_ptr<const LabelBlock> labels;  // null: it is not exported
    std::chrono::milliseconds retry_in{50};
    Clock::time_point ask_again{};
    std::uint64_t network = 0;  // inode of its network namespace; 0: the machine's, or nothing runs in it
    pid_t network_pid = 0;
  };

  void take_changes(const CgroupTree::Changes& changes);
  void found(const std::string& path);
  void identify(const std::string& path, Foreign& foreign, Clock::time_point now);
  void add_foreign_targets();
  void add_ancestors();
  void set_effective_limits();
  void read_target(const Target& target);
  const Sample* read_cgroup(Watched& watched, const Target& target);
  Watched& watched_of(const Target& target);
  void forget(const std::string& path);
  const ThrottleWatch* watch_throttling(const Target& target, const Sample& sample);
  void forget_the_gone();

  const runtime::cgroup::Hierarchies& hierarchies_;
  ReaderOptions options_;
  Collection collection_;
  MachineReader machine_;
  bool failed_ = false;  // a cgroup that exists could not be read
  Identifier identifier_;
  std::optional<CgroupTree> tree_;
  std::map<std::string, Foreign> foreign_;  // by path; parents before their children
  std::set<std::string> unknown_;           // those of them whose runtime has not told yet
  Clock::time_point rescan_{};
  std::unordered_map<std::string, Watched> watched_;
  std::unordered_map<std::string, ThrottleWatch> throttles_;  // of those with a quota
  std::vector<Target> targets_;
  std::size_t next_ = 0;
  std::uint64_t number_ = 0;
  std::shared_ptr<Reading> reading_;
};

}  // namespace mete::collectors
