// SPDX-License-Identifier: Apache-2.0
// The actions of a policy on the memory of a subject. Each action ends in report() or Incident::finish(), which make
// the event and the metric. An action that stops or kills also leaves a forensic record. A dry run executes the same
// code with another executor (policy_executor.h).
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "agent/base/asio.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/memory_gauge.h"
#include "agent/enforcement/policy_executor.h"
#include "agent/enforcement/subject.h"
#include "enforcers/reclaim_back_off.h"

namespace mete::agent {

class MemoryActions {
 public:
  // All arguments must outlive the object. `self`: the subject's own entry, which its records leave out of the
  // neighbours.
  MemoryActions(Enforcement& enforcement, Subject& subject, MemoryGauge& gauge, const Watched& self);

  // Called when the policy or a limit has changed: ends the pauses after earlier actions.
  void reset();
  // Ends a running reclaim early.
  void stop_reclaiming();

  void signal(int number, const Trigger& trigger);
  void exec(const config::MemoryThreshold& rule, const Trigger& trigger);
  // reclaim_below: until usage is 10 % of the limit below the threshold `usage`. reclaim_some: 10 % of present usage.
  void reclaim_below(Ratio usage, const Trigger& trigger);
  void reclaim_some(const Trigger& trigger);
  void restart(const Trigger& trigger);
  // `action`: kKillContainer or kKillProcess.
  Outcome kill(config::ThresholdAction action, const Trigger& trigger);
  // kFailed: the limit stays, and an event says why.
  Outcome raise(const Trigger& trigger);
  // v2: removes memory.high, so that only the memory limit bounds the subject. Tasks that the kernel has put to sleep
  // there sleep on for up to 2 s; the event `Released` is reported when none is left.
  void lift_memory_high(const Trigger& trigger);
  // `news`: this is the first notice of a series, and is reported as an event; later ones are not.
  void notify_pressure(bool news, Bytes usage);

  // raised_until: until then, processes that were blocked at the limit take the memory of a raise. killed_until: until
  // then, killed processes exit. An OOM before that time is not acted on again.
  [[nodiscard]] Moment raised_until() const { return raised_until_; }
  [[nodiscard]] Moment killed_until() const { return killed_until_; }

  [[nodiscard]] PolicyExecutor& executor() const { return executor_of(subject_); }
  [[nodiscard]] Incident begin_incident(const Trigger& trigger);
  void report(const Trigger& trigger, const std::string& action, Outcome outcome, const std::string& detail);
  // "Rule R of container main of default/web: usage ...; WHAT".
  [[nodiscard]] std::string sentence(const Trigger& trigger, const std::string& what) const;

 private:
  void reclaim(Bytes target, const Trigger& trigger);
  void report_when_awake(const Trigger& trigger, Moment until);
  void report_command(const Trigger& trigger, const std::string& command, int code);
  [[nodiscard]] bool may_kill(Moment now);

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  MemoryGauge& gauge_;
  const Watched& self_;
  Moment raised_until_{};
  Moment killed_until_{};     // no second kill before
  Moment restarted_until_{};  // no second restart before
  Outcome last_kill_ = Outcome::kDone;
  enforcers::ReclaimBackOff back_off_;
  Timer awake_timer_;
  std::shared_ptr<std::atomic<bool>> reclaiming_;  // null: no reclaim runs; true ends it early
  Alive alive_;
};

}  // namespace mete::agent
