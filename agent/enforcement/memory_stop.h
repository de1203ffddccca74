// SPDX-License-Identifier: Apache-2.0
// Stopping a subject for somebody to decide: by freezing it (a threshold's `freeze`, and `hold` on v2), or by letting
// the processes that run out of memory wait (`hold` on v1). Always for a bounded time; nothing hangs for ever, whoever
// dies when.
//
//   running --freeze()--> frozen --time is over--> killed or thawed
//   running --hold()----> held ----time is over--> raised or killed; what that does not help is left to the kernel
//   frozen, held --thawed, room made, policy gone--> running
#pragma once

#include <chrono>

#include "agent/base/asio.h"
#include "agent/enforcement/memory_actions.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/subject.h"

namespace mete::agent {

class MemoryStop {
 public:
  MemoryStop(Services& services, Subject& subject, const MemoryGauge& gauge, MemoryActions& actions);

  void freeze(const config::MemoryThreshold& rule, const Trigger& trigger);
  void hold(const Trigger& trigger);
  [[nodiscard]] bool is_stopped() const { return stopped_ != Stopped::kNo; }
  // Frozen or held no more.
  void release();
  // The same, where its policy would not stop it any more.
  void release_if_policy_has_gone();

  // Neither held nor raised nor killed by its policy: the kernel decides, for a while. Where somebody has helped
  // meanwhile it does not.
  void leave_it_to_the_kernel();
  [[nodiscard]] bool kernel_decides() const { return kernel_decides_; }
  // What could not be done, or only would have been, is not tried and reported again until then.
  void refuse_for_a_while();
  [[nodiscard]] Moment refused_until() const { return refused_until_; }
  // Whoever calls this has written what the policy wants.
  void reset();
  void stop_waiting() { again_timer_.cancel(); }

 private:
  enum class Stopped { kNo, kFrozen, kHeld };  // by a threshold; by onOOM: hold

  void stopped_for(Stopped how, const Trigger& by, std::chrono::nanoseconds timeout);
  void poll_release();
  void time_is_over();
  void end_freeze();
  void end_hold();
  [[nodiscard]] bool policy_still_stops() const;
  [[nodiscard]] bool frozen_by_others() const;
  [[nodiscard]] bool waits_in_kernel() const;  // v1: oom_kill_disable holds it, there is nothing to thaw

  Services& services_;
  Subject& subject_;
  const MemoryGauge& gauge_;
  MemoryActions& actions_;
  Timer stop_timer_;
  Timer release_timer_;
  Timer again_timer_;
  Stopped stopped_ = Stopped::kNo;
  Trigger stopped_by_;
  config::AfterFreeze after_freeze_ = config::AfterFreeze::kThaw;
  Moment refused_until_{};
  bool kernel_decides_ = false;
  Alive alive_;
};

}  // namespace mete::agent
