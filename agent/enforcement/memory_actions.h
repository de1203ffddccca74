// SPDX-License-Identifier: Apache-2.0
// What a policy can do about the memory of a subject. Each action ends in report() or Incident::finish(): event, metric
// and, for whatever stops or kills, a forensic record. A dry run is the other executor (policy_executor.h).
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
  // All of them outlive it; `self` is who is left out of the neighbours in a record.
  MemoryActions(Enforcement& enforcement, Subject& subject, MemoryGauge& gauge, const Watched& self);

  // A policy or a limit has changed: what was done is no reason to wait any more.
  void reset();
  // A reclaim that runs ends early.
  void stop_reclaiming();

  void signal(int number, const Trigger& trigger);
  void exec(const config::MemoryThreshold& rule, const Trigger& trigger);
  // Down to this share of the limit below the threshold that fired; the other: of what is used now.
  void reclaim_below(Ratio usage, const Trigger& trigger);
  void reclaim_some(const Trigger& trigger);
  void restart(const Trigger& trigger);
  // kKillContainer or kKillProcess.
  Outcome kill(config::ThresholdAction action, const Trigger& trigger);
  // kFailed: it was reported why not.
  Outcome raise(const Trigger& trigger);
  // v2: from now on it is bounded by its limit alone. Who sleeps there sleeps on for up to 2 s: `Released` is told when
  // nobody does any more.
  void lift_memory_high(const Trigger& trigger);
  // Of a series of notices only the first is an event (`news`).
  void notify_pressure(bool news, Bytes usage);

  // Processes that wait for memory take what they were given until then; what was killed ends until then.
  [[nodiscard]] Moment raised_until() const { return raised_until_; }
  [[nodiscard]] Moment killed_until() const { return killed_until_; }

  [[nodiscard]] PolicyExecutor& executor() const { return executor_of(subject_); }
  [[nodiscard]] Incident begin_incident(const Trigger& trigger);
  void report(const Trigger& trigger, const std::string& action, Outcome outcome, const std::string& detail);
  // "Rule R of container main of default/web: usage ...; WHAT".
  [[nodiscard]] std::string sentence(const Trigger& trigger, const std::string& what) const;

 private:
  void reclaim(Bytes target, const Trigger& trigger);
  void tell_when_awake(const Trigger& trigger, Moment until);
  void report_command(const Trigger& trigger, const std::string& command, int code);
  [[nodiscard]] bool may_kill(Moment now);

  Enforcement& enforcement_;
  Services& services_;
  Subject& subject_;
  MemoryGauge& gauge_;
  const Watched& self_;
  Moment raised_until_{};
  Moment killed_until_{};     // it is not killed twice
  Moment restarted_until_{};  // nor restarted
  Outcome last_kill_ = Outcome::kDone;
  enforcers::ReclaimBackOff back_off_;
  Timer awake_timer_;
  std::shared_ptr<std::atomic<bool>> reclaiming_;  // null: not; set to true it ends early
  Alive alive_;
};

}  // namespace mete::agent
