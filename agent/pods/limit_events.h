// SPDX-License-Identifier: Apache-2.0
// Limits that a container has run into and that stop nobody: forks refused (pids.events), swap refused
// (memory.swap.events). The counters are exported by the collectors; this tells of them as they grow.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

class LimitEvents {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Tell = std::function<void(std::string reason, std::string message, Fields fields)>;

  LimitEvents(Services& services, const runtime::cgroup::Group& group, Tell tell);

  // Of a cgroup that exists. `bounded`: it has a limit of processes, and where the kernel tells of none (v1) it is
  // looked at once a second.
  void open(bool bounded);
  void close();
  // The kernel says that one of the files has changed (v2).
  void look();

 private:
  struct Counter {
    const char* controller;
    const char* file;
    const char* key;
    Reason reason;
    const char* what;
    std::uint64_t told = 0;
    std::chrono::steady_clock::time_point told_at{};
  };
  void look_later();
  void see(Counter& counter, bool begin);

  Services& services_;
  const runtime::cgroup::Group& group_;
  Tell tell_;
  std::vector<Counter> counters_;
  Timer timer_;
  bool open_ = false;
  Alive alive_;
};

}  // namespace mete::agent
