// SPDX-License-Identifier: Apache-2.0
// Stops a subject until a person, a program or the policy has decided: by a freeze (a threshold's `freeze`, and `hold`
// on v2), or by blocking the processes that hit the memory limit (`hold` on v1). The time is bounded, and the stop ends
// whichever process dies at whatever time.
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
#include "config/base/box.h"

namespace mete::agent {

class MemoryStop {
 public:
  MemoryStop(Services& services, Subject& subject, const MemoryGauge& gauge, MemoryActions& actions);

  void freeze(const config::MemoryThreshold& rule, const Trigger& trigger);
  void hold(const Trigger& trigger);
  [[nodiscard]] bool is_stopped() const { return stopped_ != Stopped::kNo; }
  // Ends a freeze or a hold.
  void release();
  // The same, when the present policy would not stop the subject.
  void release_if_policy_has_gone();

  // Called when the policy's hold, raise and kill have all failed: hands OOMs over to the kernel for a minute. On v1
  // nothing is handed over when no process is blocked any more.
  void leave_it_to_the_kernel();
  [[nodiscard]] bool kernel_decides() const { return kernel_decides_; }
  // A stop that failed, or that a dry run only reported, is not tried and reported again before refused_until().
  void refuse_for_a_while();
  [[nodiscard]] Moment refused_until() const { return refused_until_; }
  // Lets the policy decide again. The caller has written the limits that the policy asks for.
  void reset();
  void stop_waiting() { again_timer_.cancel(); }

 private:
  enum class Stopped { kNo, kFrozen, kHeld };  // kFrozen: by a threshold; kHeld: by onOOM: hold

  void stopped_for(Stopped how, const Trigger& by, std::chrono::nanoseconds timeout);
  void poll_release();
  void time_is_over();
  void end_freeze();
  void end_hold();
  [[nodiscard]] bool policy_still_stops() const;
  [[nodiscard]] bool frozen_by_others() const;
  [[nodiscard]] bool waits_in_kernel()
      const;  // v1: the subject is held by oom_kill_disable, and there is nothing to thaw

  Services& services_;
  Subject& subject_;
  const MemoryGauge& gauge_;
  MemoryActions& actions_;
  Timer stop_timer_;
  Timer release_timer_;
  Timer again_timer_;
  Stopped stopped_ = Stopped::kNo;
  Box<Trigger> stopped_by_;  // while it is stopped
  config::AfterFreeze after_freeze_ = config::AfterFreeze::kThaw;
  Moment refused_until_{};
  bool kernel_decides_ = false;
  Alive alive_;
};

}  // namespace mete::agent
