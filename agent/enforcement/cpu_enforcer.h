// SPDX-License-Identifier: Apache-2.0
// Lends a subject that is throttled what of the machine's CPU time is idle: cpu.boost.
//
// Throttling has no event in the kernel: it is polled once a second, and only where a policy wants that. What was
// lent is in no record of a container of ours: an agent that comes back writes the quota of the manifest.
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

  // The cgroup is there; also after its policy or limit has changed.
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
  std::optional<config::CpuBoost> rule_;    // by which was lent; empty: none, or a dry run
  std::chrono::microseconds pretended_{0};  // the quota that a dry run would have written
  Timer timer_;
  bool open_ = false;
  Alive alive_;
};

}  // namespace mete::agent
