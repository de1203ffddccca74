// SPDX-License-Identifier: Apache-2.0
// Carries out what was decided by a policy: on the kernel, or in a dry run on nothing.
//
// Those who decide and report have one code for both: they ask an executor to act, and outcome_of() what to report.
// Nobody but executor_of() asks whether a policy is a dry run.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/workers.h"
#include "agent/enforcement/incident.h"
#include "agent/enforcement/subject.h"
#include "enforcers/guard.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

class PolicyExecutor {
 public:
  virtual ~PolicyExecutor() = default;
  // Of an act that ended with `done`; in a dry run kDryRun, whatever it was.
  [[nodiscard]] virtual Outcome outcome_of(const Status& done) const = 0;
  // May the policy kill once more? Counts the kill; in a dry run there is none to be counted.
  [[nodiscard]] virtual bool may_kill(enforcers::KillGuard& guard, const config::Policy& policy, Moment now) = 0;
  // v1: does a process wait for memory at the limit? In a dry run the kernel does not let it wait but kills: there the
  // wake-up is believed.
  [[nodiscard]] virtual bool waits_at_limit(const Subject& subject) = 0;

  [[nodiscard]] virtual Status signal(const runtime::process::ProcessId& process, int number) = 0;
  [[nodiscard]] virtual Status kill_container(Subject& subject) = 0;
  [[nodiscard]] virtual Status kill_process(Subject& subject, pid_t pid) = 0;
  // What is left after a kill of the kernel, which the policy's counters do not hold.
  [[nodiscard]] virtual Status kill_rest(Subject& subject) = 0;
  [[nodiscard]] virtual Status restart(Subject& subject) = 0;
  // The child, to be awaited; 0: none was started.
  [[nodiscard]] virtual Result<pid_t> exec(Subject& subject, const std::vector<std::string>& command,
                                           std::chrono::nanoseconds timeout) = 0;
  [[nodiscard]] virtual Status raise(Subject& subject, Bytes to) = 0;
  // Somebody else thaws it after `timeout`, should this agent not be there then. The error: it is not frozen.
  [[nodiscard]] virtual Status freeze(Subject& subject, std::chrono::nanoseconds timeout) = 0;
  [[nodiscard]] virtual Status lift_memory_high(Subject& subject) = 0;
  [[nodiscard]] virtual Status notify_pressure(Subject& subject) = 0;
  [[nodiscard]] virtual Status lend_quota(Subject& subject, std::optional<std::chrono::microseconds> quota) = 0;

  // Reclaims the subject's memory down to `target` bytes, on a thread, until `stop` is set. `done` has the usage that
  // is left, and is called on the loop.
  using Reclaimed = std::function<void(const Result<Bytes>& left)>;
  virtual void reclaim(Workers& workers, const Subject& subject, Bytes target, std::shared_ptr<std::atomic<bool>> stop,
                       Reclaimed done) = 0;
};

[[nodiscard]] PolicyExecutor& kernel_executor();
[[nodiscard]] PolicyExecutor& dry_run_executor();
// By its policy; without one the kernel's.
[[nodiscard]] PolicyExecutor& executor_of(const Subject& subject);

}  // namespace mete::agent
