// SPDX-License-Identifier: Apache-2.0
// The object of a policy: a container of ours, or a cgroup that others made.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/event.h"
#include "config/base/result.h"
#include "config/base/units.h"
#include "config/model/policy.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

using EventFields = std::vector<std::pair<std::string, std::string>>;

struct ForensicRecord;

class Subject {
 public:
  virtual ~Subject() = default;
  [[nodiscard]] virtual const runtime::cgroup::Group& cgroup() const = 0;
  [[nodiscard]] virtual std::string shown() const = 0;    // "container main of default/web", "cgroup /docker/01ab"
  [[nodiscard]] virtual std::string pod_key() const = 0;  // empty: a cgroup of others
  [[nodiscard]] virtual std::string container_name() const = 0;    // the same
  [[nodiscard]] virtual const config::Policy* policy() const = 0;  // null: none
  // The subject's own memory limit: the present one, and the one before mete raised it. Empty: none.
  [[nodiscard]] virtual std::optional<Bytes> memory_limit() const = 0;
  [[nodiscard]] virtual std::optional<Bytes> original_limit() const = 0;
  virtual void report(Severity severity, std::string reason, std::string message, EventFields fields) = 0;

  [[nodiscard]] virtual Result<runtime::process::ProcessId> first_process() const = 0;
  [[nodiscard]] virtual Status raise_memory_limit(Bytes to) = 0;
  // The subject's own CPU limit, without a boost; empty: none.
  [[nodiscard]] virtual std::optional<runtime::cgroup::CpuBandwidth> own_cpu() const = 0;
  // The quota of a boost; empty: no boost. lend_quota() without a value restores the subject's own quota.
  [[nodiscard]] virtual std::optional<std::chrono::microseconds> lent_quota() const = 0;
  [[nodiscard]] virtual Status lend_quota(std::optional<std::chrono::microseconds> quota) = 0;
  // Restarts the subject: stop signal, grace period, kill, start.
  [[nodiscard]] virtual Status restart(const std::string& reason) = 0;
  // SIGKILL to all processes. A quota must not delay it: a throttled process would die only in its next period.
  [[nodiscard]] virtual Status kill_all() = 0;
  // Starts a command inside as a child of the agent, killed after `timeout`. The child's exit code is the command's, or
  // 124 after the timeout.
  [[nodiscard]] virtual Result<pid_t> exec(const std::vector<std::string>& command,
                                           std::chrono::nanoseconds timeout) = 0;
  // Has the shim or a watchdog undo a freeze after `timeout`, if no agent runs then.
  [[nodiscard]] virtual Status guard_freeze(std::chrono::nanoseconds timeout) = 0;
  virtual void unguard_freeze() = 0;
  // Tells the shim or watchdog, which ends a hold when no agent runs, that a new hold begins now.
  virtual void guard_new_hold() = 0;
  // Leaves OOMs to the kernel until decide_again(), because the policy's hold or raise has failed.
  [[nodiscard]] virtual Status let_kernel_decide() = 0;
  virtual void decide_again() = 0;
  // True: a restart was requested, and the subject has not ended yet.
  [[nodiscard]] virtual bool restarting() const = 0;
  // v2: removes the memory.high at which the subject is stuck.
  [[nodiscard]] virtual Status lift_memory_high() = 0;
  // Notifies programs inside of memory pressure, by the protocol of systemd's services.
  [[nodiscard]] virtual Status notify_pressure() = 0;
  // Counts a kill by a policy. `reason` becomes the reason of the subject's end.
  virtual void killed_by_policy(const std::string& reason) = 0;
  // A record of something done to it, or seen of it, was written.
  virtual void recorded(const ForensicRecord& /*record*/) {}
};

}  // namespace mete::agent
