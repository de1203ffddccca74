// SPDX-License-Identifier: Apache-2.0
// Notices writes of other programs to the control files of a cgroup that this agent manages, reports them, and restores
// the values.
//
// inotify reports the write itself (IN_MODIFY), so that a program that keeps the file open is noticed too. A value that
// cannot be restored now (a memory limit below usage) is reported once, and tried again until it is restored.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/event.h"
#include "agent/base/services.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class DriftWatch {
 public:
  struct Owner {
    // The limits that the files should hold; null: the files are not compared now.
    std::function<const runtime::cgroup::Limits*()> limits;
    // True: the policy asks for a report and no restore (onDrift).
    std::function<bool()> report_only;
    std::function<void(std::string message, std::vector<std::pair<std::string, std::string>> fields)> report;
    std::function<void()> written;            // after a write to a setting, by anybody
    std::function<void()> memory_event;       // v2: the kernel has changed memory.events; may be empty
    std::function<void()> limit_event = {};   // v2: the same for pids.events and memory.swap.events
    std::function<void()> group_made = {};    // there may be a new group below this one
    std::function<void()> freeze_event = {};  // somebody has asked for a freeze or a thaw; see sees_freezes()
    // Writes the limits, each part by itself; empty: Group::apply_each() does.
    std::function<Status(const runtime::cgroup::Limits&)> apply = {};
  };

  DriftWatch(Services& services, const runtime::cgroup::Group& group, Owner owner);
  ~DriftWatch();
  DriftWatch(const DriftWatch&) = delete;
  DriftWatch& operator=(const DriftWatch&) = delete;

  // Begins to watch a cgroup that exists. Does nothing when it is watched already.
  void open();
  void close();
  [[nodiscard]] bool is_open() const { return !watches_.empty(); }
  void check();
  // True: Owner::group_made is called for each group that is made in the memory controller's directory.
  [[nodiscard]] bool sees_groups() const { return sees_groups_; }
  // True: Owner::freeze_event is called from now on. Of a group that nobody asks for it, the freezer is not watched.
  [[nodiscard]] bool sees_freezes();

 private:
  struct Left {
    std::string file, found;
    bool operator==(const Left&) const = default;
  };
  void woken(std::string_view name, std::uint32_t mask);
  void check_soon();
  // kNews: restores values that have just changed. kAgain: restores those that were left, too. kAfterReclaim: as
  // kAgain, after a reclaim has freed all that it could: no further reclaim is started.
  enum class Try { kNews, kAgain, kAfterReclaim };
  void check(Try what);
  [[nodiscard]] bool put_back(const runtime::cgroup::Limits& limits, bool may_reclaim);
  void make_room(Bytes limit);
  void try_again_later();
  void report(const runtime::cgroup::Drift& drift, const std::string& outcome);

  Services& services_;
  const runtime::cgroup::Group& group_;
  Owner owner_;
  std::vector<int> watches_;
  bool sees_groups_ = false;
  enum class Freezes : std::uint8_t { kNotWatched, kSeen, kUnseen };
  Freezes freezes_ = Freezes::kNotWatched;
  bool check_posted_ = false;
  std::vector<Left> left_;  // reported and not restored: the policy asks for a report only, or the kernel refused
  Timer again_timer_;
  std::shared_ptr<std::atomic<bool>> making_room_;  // null: no reclaim runs; true ends it early
  Alive alive_;
};

}  // namespace mete::agent
