// SPDX-License-Identifier: Apache-2.0
// Tells when somebody else writes into the files of a cgroup that this agent manages, and puts them back.
//
// Woken by inotify: by the write itself (IN_MODIFY), so that a writer who keeps the file open is noticed too. What
// cannot be put back now (a memory limit below what is used) is told once, and tried again until it can.
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
    // What the files should hold; null: now is not the time to look.
    std::function<const runtime::cgroup::Limits*()> limits;
    // A policy may want it told and nothing more.
    std::function<bool()> report_only;
    std::function<void(std::string message, std::vector<std::pair<std::string, std::string>> fields)> report;
    std::function<void()> changed;           // after files were found changed
    std::function<void()> memory_event;      // v2: the kernel has changed memory.events; may be empty
    std::function<void()> limit_event = {};  // v2: the same of pids.events and memory.swap.events
    // Writes them, each part by itself; empty: the group does.
    std::function<Status(const runtime::cgroup::Limits&)> apply = {};
  };

  DriftWatch(Services& services, const runtime::cgroup::Group& group, Owner owner);
  ~DriftWatch();
  DriftWatch(const DriftWatch&) = delete;
  DriftWatch& operator=(const DriftWatch&) = delete;

  // Of a cgroup that exists; does nothing when it is open.
  void open();
  void close();
  [[nodiscard]] bool is_open() const { return !watches_.empty(); }
  void check();

 private:
  struct Left {
    std::string file, found;
    bool operator==(const Left&) const = default;
  };
  void woken(std::string_view name, std::uint32_t mask);
  void check_soon();
  // News alone; what is left too; the same, when as much as there is to be had has just been reclaimed.
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
  bool check_posted_ = false;
  std::vector<Left> left_;  // told, and still so: because the policy wants no more, or because it could not be put back
  Timer again_timer_;
  std::shared_ptr<std::atomic<bool>> making_room_;  // null: not; set to true it ends early
  Alive alive_;
};

}  // namespace mete::agent
