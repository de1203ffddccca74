// SPDX-License-Identifier: Apache-2.0
// The cgroups that others made: which exist, their identities, and which of them a reading contains.
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
    std::string own_parent;  // the agent's own parent cgroup: it and everything below are left out
    ExportPolicy exported;
  };

  // `hierarchies` must outlive the object. An error: inotify is not available.
  [[nodiscard]] static Result<ForeignCgroups> open(const runtime::cgroup::Hierarchies& hierarchies, Options options);

  [[nodiscard]] int fd() const { return tree_.fd(); }  // readable: call handle_events()
  // Handles pending inotify events. Returns the paths that were removed, or made again, since the last call.
  [[nodiscard]] std::vector<std::string> handle_events();
  // When refresh() next has work to do.
  [[nodiscard]] Clock::time_point due() const;
  // Identifies again the groups whose identity was incomplete, and rescans for cgroups that inotify did not report.
  // Returns what handle_events() returns.
  [[nodiscard]] std::vector<std::string> refresh(Clock::time_point now);

  // The exported groups in the order of their paths, so that the policy's bound always cuts off the same ones.
  [[nodiscard]] std::vector<Target> targets() const;

 private:
  struct Known {
    std::shared_ptr<const Identity> who;
    std::shared_ptr<const LabelBlock> labels;  // null: the group is not exported
    std::chrono::milliseconds retry_in{50};
    int looks = 0;
    std::optional<Clock::time_point> ask_again;  // empty: the identity is complete
    std::uint64_t network = 0;  // inode of its network namespace; 0: the machine's own, or the group has no process
    pid_t network_pid = 0;
    std::string writable;  // directory of its writable layer
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
  std::set<std::pair<Clock::time_point, std::string>> waiting_;  // the groups to identify again, by time
  Clock::time_point rescan_;
};

}  // namespace mete::collectors
