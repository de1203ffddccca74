// SPDX-License-Identifier: Apache-2.0
// cpu.boost: raises the quota of a throttled subject while the machine has idle CPU time.
//
// The kernel sends no event for throttling. So the counters are polled once a second, of subjects whose policy has
// cpu.boost. The record of a container of ours does not hold its boost: a restarted agent writes the manifest's quota.
#pragma once

#include <memory>
#include <optional>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/subject.h"
#include "enforcers/cpu_boost.h"

namespace mete::agent {

class CpuEnforcer {
 public:
  CpuEnforcer(Enforcement& enforcement, Subject& subject)
      : enforcement_(enforcement), services_(enforcement.services()), subject_(subject), timer_(services_.loop) {}

  // Begins to watch. Called when the cgroup exists, and again after its policy or its limit has changed.
  void open();
  void close();

 private:
  void poll();
  void poll_later();
  void change(const enforcers::BoostDecision& decision, const runtime::cgroup::CpuBandwidth& own);

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  enforcers::CpuBooster booster_;
  std::optional<config::CpuBoost> rule_;    // the rule of the present boost; empty: no boost, or a dry run
  std::chrono::microseconds pretended_{0};  // the quota that a dry run would have written
  Timer timer_;
  bool open_ = false;
  Alive alive_;
};

}  // namespace mete::agent
