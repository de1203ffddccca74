// SPDX-License-Identifier: Apache-2.0
// The cgroups that others made: which there are, who they are, and which of them a reading shows.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectors/discovery/cgroup_tree.h"
#include "collectors/discovery/export_policy.h"
#include "collectors/discovery/identify.h"
#include "collectors/target.h"

namespace mete::collectors {

class ForeignCgroups {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    IdentityRoots roots;
    std::string own_parent;  // the caller's own: left out, with everything below
    ExportPolicy exported;
  };

  // `hierarchies` must outlive it. Fails when there is no inotify.
  [[nodiscard]] static Result<ForeignCgroups> open(const runtime::cgroup::Hierarchies& hierarchies, Options options);

  [[nodiscard]] int fd() const { return tree_.fd(); }  // readable: call see_changes()
  // The paths that are gone, or made again, since the last call.
  [[nodiscard]] std::vector<std::string> see_changes();
  // When look_again() has something to do next.
  [[nodiscard]] Clock::time_point due() const;
  // Asks again who those are that nobody knew; looks for cgroups that inotify did not tell of. As see_changes().
  [[nodiscard]] std::vector<std::string> look_again(Clock::time_point now);

  // Those that are exported, in the order of their paths, so that the policy's bound always cuts off the same.
  [[nodiscard]] std::vector<Target> targets() const;

 private:
  struct Known {
    std::shared_ptr<const Identity> who;
    std::shared_ptr<const LabelBlock> labels;  // null: it is not exported
    std::chrono::milliseconds retry_in{50};
    int looks = 0;
    std::optional<Clock::time_point> ask_again;  // empty: all is known
    std::uint64_t network = 0;  // inode of its network namespace; 0: the machine's, or nothing runs in it
    pid_t network_pid = 0;
    std::string writable;  // its writable layer
  };
  ForeignCgroups(const runtime::cgroup::Hierarchies& hierarchies, Options options, CgroupTree tree);
  void found(const std::string& path);
  void forget(const std::string& path);
  void identify(const std::string& path, Known& known, Clock::time_point now);
  void take(const CgroupTree::Changes& changes);
  [[nodiscard]] std::map<std::string, pid_t> network_rows() const;

  const runtime::cgroup::Hierarchies* hierarchies_;
  Options options_;
  CgroupTree tree_;
  Identifier identifier_;
  std::map<std::string, Known> known_;                           // by path; parents before their children
  std::set<std::pair<Clock::time_point, std::string>> waiting_;  // those of them to be asked again, by when
  Clock::time_point rescan_;
};

}  // namespace mete::collectors
