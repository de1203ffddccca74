// SPDX-License-Identifier: Apache-2.0
// Carries out the decisions of a policy: one executor acts on the kernel, the other, for a dry run, does nothing.
//
// Code that decides and reports is the same for both: it asks the executor to act, and outcome_of() for the outcome to
// report. The rejected alternative is a question for dry run at each action; only executor_of() asks it now.
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
  // The outcome of an act that ended with `done`; in a dry run always kDryRun.
  [[nodiscard]] virtual Outcome outcome_of(const Status& done) const = 0;
  // True: the guard allows one more kill, and counts it. A dry run is always allowed and counts nothing.
  [[nodiscard]] virtual bool may_kill(enforcers::KillGuard& guard, const config::Policy& policy, Moment now) = 0;
  // v1: true when a process is blocked at the limit. Always true in a dry run: the kernel kills there instead of
  // blocking, so the wake-up is the only sign.
  [[nodiscard]] virtual bool waits_at_limit(const Subject& subject) = 0;

  [[nodiscard]] virtual Status signal(const runtime::process::ProcessId& process, int number) = 0;
  [[nodiscard]] virtual Status kill_container(Subject& subject) = 0;
  [[nodiscard]] virtual Status kill_process(Subject& subject, pid_t pid) = 0;
  // Kills the processes that are left after a kill by the kernel. Not counted as a kill by the policy.
  [[nodiscard]] virtual Status kill_rest(Subject& subject) = 0;
  [[nodiscard]] virtual Status restart(Subject& subject) = 0;
  // The pid of the child, which the caller awaits; 0: none was started.
  [[nodiscard]] virtual Result<pid_t> exec(Subject& subject, const std::vector<std::string>& command,
                                           std::chrono::nanoseconds timeout) = 0;
  [[nodiscard]] virtual Status raise(Subject& subject, Bytes to) = 0;
  // Freezes the subject. The shim or a watchdog thaws it after `timeout` if no agent runs then. After an error the
  // subject is not frozen.
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
// The executor that the subject's policy asks for; without a policy the one that acts on the kernel.
[[nodiscard]] PolicyExecutor& executor_of(const Subject& subject);

}  // namespace mete::agent
