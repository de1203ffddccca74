// SPDX-License-Identifier: Apache-2.0
// Events for limits that a container has hit and that end no process: refused forks (pids.events, pids.events.local)
// and refused swap (memory.swap.events). The collectors export the counters; this class reports their growth.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/asio.h"
#include "agent/base/services.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/limits/refusals.h"

namespace mete::agent {

class LimitEvents {
 public:
  // kAbove: a cgroup above those of containers, as a pod's, of which only what these do not count is told: a fork that
  // is refused below it for its own limit (Refusal::kForkLocal).
  enum class Whose : std::uint8_t { kContainer, kAbove };
  using Fields = std::vector<std::pair<std::string, std::string>>;
  using Report = std::function<void(std::string reason, std::string message, Fields fields)>;

  LimitEvents(Services& services, const runtime::cgroup::Group& group, Whose whose, Report report);

  // Begins to watch the counters; the cgroup must exist. `bounded`: the cgroup has a limit on processes. v1 sends no
  // notification for it, so the counter is then polled once a second, as with a limit of a cgroup above it. Called
  // again when one of these limits has come or gone.
  void open(bool bounded);
  void close();
  // Reads the counters: the kernel has notified a change of one of the files (v2).
  void poll();

 private:
  // Of what it tells, in the order of kTold.
  struct Counter {
    std::uint64_t told = 0;
    std::chrono::steady_clock::time_point told_at{};
  };
  void poll_later();
  void see_all(bool begin);
  void see(std::size_t which, bool begin);
  [[nodiscard]] runtime::cgroup::Refusal counted_as(runtime::cgroup::Refusal kind) const;
  [[nodiscard]] std::string name_pids_limit(Fields& fields) const;
  [[nodiscard]] std::string name_own_pids_limit(Fields& fields) const;

  Services& services_;
  const runtime::cgroup::Group& group_;
  const Whose whose_;
  Report report_;
  std::array<Counter, 3> counters_;
  Timer timer_;
  bool open_ = false;
  bool local_ = false;  // the kernel counts a refused fork in the group whose limit it was
  Alive alive_;
};

}  // namespace mete::agent
