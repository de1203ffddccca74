// SPDX-License-Identifier: Apache-2.0
// What every pod of the agent shares. One thread, one loop: nothing here is locked.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "agent/asio.h"
#include "agent/event.h"
#include "agent/file_watcher.h"
#include "agent/instruments.h"
#include "agent/kernel_log.h"
#include "agent/settings.h"
#include "collectors/sampler.h"
#include "runtime/cgroup/features.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/image/store.h"

namespace mete::agent {

class Enforcement;

// Starting a thousand containers at once would make each of them slow: so many launches run at the same time, the
// others wait their turn.
class LaunchGate {
 public:
  explicit LaunchGate(unsigned at_once) : free_(at_once) {}
  void enter(std::function<void()> launch) {
    if (free_ == 0) {
      waiting_.push_back(std::move(launch));
      return;
    }
    --free_;
    launch();
  }
  void leave(asio::io_context& loop) {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    // From the loop, not from here: the caller is in the middle of a launch of its own.
    asio::post(loop, std::move(waiting_.front()));
    waiting_.pop_front();
  }

 private:
  unsigned free_;
  std::deque<std::function<void()>> waiting_;
};

// Work that takes milliseconds (making and removing cgroups, writing records), one piece a turn of the loop: a thousand
// pods that end together must not keep an OOM or a scrape waiting.
class Turns {
 public:
  explicit Turns(asio::io_context& loop) : loop_(loop) {}
  void add(std::function<void()> work) {
    work_.push_back(std::move(work));
    if (!std::exchange(posted_, true)) asio::post(loop_, [this] { run_one(); });
  }

 private:
  void run_one() {
    // Whatever it throws, the others have their turn; theirs is behind whatever the kernel has reported meanwhile.
    const auto work = std::move(work_.front());
    work_.pop_front();
    posted_ = !work_.empty();
    if (posted_) asio::post(loop_, [this] { run_one(); });
    work();
  }

  asio::io_context& loop_;
  std::deque<std::function<void()>> work_;
  bool posted_ = false;
};

struct Services {
  asio::io_context& loop;
  const Settings& settings;
  const runtime::cgroup::Hierarchies& hierarchies;
  collectors::Collection& collection;
  runtime::image::Store& images;
  EventLog& events;
  FileWatcher& files;
  KernelLog& kernel_log;
  Instruments& instruments;
  LaunchGate& launches;
  Turns& turns;
  Enforcement& enforcement;
  std::string boot_id;
  std::string shim;  // path of mete-shim
  Bytes machine_memory;
  std::uint64_t capabilities = 0;  // the agent's own bounding set: what it can give a container at most
  runtime::cgroup::Features features = {};
  std::map<std::uint64_t, std::string> seccomp_filters = {};  // by capability mask, compiled on first use
};

}  // namespace mete::agent
