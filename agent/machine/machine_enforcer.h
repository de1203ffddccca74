// SPDX-License-Identifier: Apache-2.0
// Keeps the machine itself from running out of memory: ends containers of ours, by priority, before the kernel's OOM
// killer takes whatever is largest.
//
// MemAvailable has no event: it is looked at by need, after a quarter of the time in which it would be used up, 10 ms
// to 1 s; pressure (/proc/pressure/memory) is the growth of its totals.
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

  // Does nothing when agent.yaml reserves nothing and bounds no pressure.
  void start();

 private:
  struct Chosen {
    Container* container;
    enforcers::OomCandidate candidate;
  };
  void look();
  void look_after(std::chrono::nanoseconds delay);
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
  enforcers::Moment settled_at_{};                          // until then the last one's memory is still coming back
  enforcers::Moment told_at_{};                             // that there is nobody
  std::string ending_;                                      // the cgroup of the last one
  Alive alive_;
};

}  // namespace mete::agent
