// SPDX-License-Identifier: Apache-2.0
// Keeps the machine from running out of memory: ends containers of mete, by priority, before the kernel's OOM killer
// takes the largest process.
//
// The kernel sends no event for MemAvailable, so it is polled: after a quarter of the time in which it would be used
// up, 10 ms to 1 s. Pressure is the growth of the totals in /proc/pressure/memory.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/pods/reconciler.h"
#include "enforcers/machine_oom.h"
#include "enforcers/memory_watch.h"

namespace mete::agent {

class MachineEnforcer {
 public:
  MachineEnforcer(Enforcement& enforcement, const Reconciler& reconciler)
      : enforcement_(enforcement), services_(enforcement.services()), reconciler_(reconciler), timer_(services_.loop) {}

  // Does nothing when agent.yaml sets no reserve and no bound on pressure.
  void start();

 private:
  struct Chosen {
    Container* container;
    enforcers::OomCandidate candidate;
  };
  void poll();
  void poll_after(std::chrono::nanoseconds delay);
  [[nodiscard]] std::optional<std::string> short_of_memory(Bytes available) const;
  [[nodiscard]] std::optional<std::string> under_pressure(enforcers::Moment now);
  void end_somebody(const std::string& rule, const std::string& because, enforcers::Moment woken);
  [[nodiscard]] std::vector<Chosen> candidates() const;
  [[nodiscard]] std::string protection_of(const Pod& pod) const;
  [[nodiscard]] bool still_ending() const;

  Enforcement& enforcement_;
  Services& services_;
  const Reconciler& reconciler_;
  Timer timer_;
  enforcers::FillRate rate_;
  std::array<std::optional<enforcers::Window>, 2> stalls_;  // some, full
  enforcers::Moment settled_at_{};                          // until then the last victim's memory is still being freed
  enforcers::Moment told_at_{};                             // when the lack of a victim was last reported
  std::string ending_;                                      // the cgroup of the last victim
  Alive alive_;
};

}  // namespace mete::agent
