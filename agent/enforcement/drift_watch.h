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

// Whose limits are watched.
class DriftOwner {
 public:
  virtual ~DriftOwner() = default;
  // The limits that the files should hold; null: the files are not compared now.
  [[nodiscard]] virtual const runtime::cgroup::Limits* wanted_limits() = 0;
  // True: the policy asks for a report and no restore (onDrift).
  [[nodiscard]] virtual bool leaves_drift() const = 0;
  virtual void report_drift(std::string message, std::vector<std::pair<std::string, std::string>> fields) = 0;
  virtual void setting_written() {}  // by anybody
  virtual void memory_event() {}     // v2: the kernel has changed memory.events
  virtual void limit_event() {}      // v2: the same for pids.events and memory.swap.events
  [[nodiscard]] virtual bool wants_groups() const { return false; }
  virtual void group_made() {}    // where it wants them: there may be a new group below this one
  virtual void freeze_event() {}  // somebody has asked for a freeze or a thaw; see DriftWatch::sees_freezes()
  // Writes the limits, each part by itself.
  [[nodiscard]] virtual Status write_again(const runtime::cgroup::Limits& limits) = 0;
};

class DriftWatch {
 public:
  // `owner` outlives it.
  DriftWatch(Services& services, const runtime::cgroup::Group& group, DriftOwner& owner);
  ~DriftWatch();
  DriftWatch(const DriftWatch&) = delete;
  DriftWatch& operator=(const DriftWatch&) = delete;

  // Begins to watch a cgroup that exists. Does nothing when it is watched already.
  void open();
  void close();
  [[nodiscard]] bool is_open() const { return !watches_.empty(); }
  void check();
  // True: DriftOwner::group_made() is called for each group that is made in the memory controller's directory.
  [[nodiscard]] bool sees_groups() const { return sees_groups_; }
  // True: DriftOwner::freeze_event() is called from now on. Of a group that nobody asks for it, the freezer is not
  // watched.
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
  DriftOwner& owner_;
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
