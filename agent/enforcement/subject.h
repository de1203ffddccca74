// SPDX-License-Identifier: Apache-2.0
// Whom a policy holds: one of our containers, or a cgroup that somebody else made.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/event.h"
#include "config/policy.h"
#include "config/result.h"
#include "config/units.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

using EventFields = std::vector<std::pair<std::string, std::string>>;

class Subject {
 public:
  virtual ~Subject() = default;
  [[nodiscard]] virtual const runtime::cgroup::Group& cgroup() const = 0;
  [[nodiscard]] virtual std::string shown() const = 0;    // "container main of default/web", "cgroup /docker/01ab"
  [[nodiscard]] virtual std::string pod_key() const = 0;  // empty: nobody's of ours
  [[nodiscard]] virtual std::string container_name() const = 0;    // the same
  [[nodiscard]] virtual const config::Policy* policy() const = 0;  // null: none
  // Its own memory limit as it is now, and as it was before mete raised it; empty: none.
  [[nodiscard]] virtual std::optional<Bytes> memory_limit() const = 0;
  [[nodiscard]] virtual std::optional<Bytes> original_limit() const = 0;
  virtual void report(Severity severity, std::string reason, std::string message, EventFields fields) = 0;

  [[nodiscard]] virtual Result<runtime::process::ProcessId> first_process() const = 0;
  [[nodiscard]] virtual Status raise_memory_limit(Bytes to) = 0;
  // Its own CPU limit, without what is lent; empty: none.
  [[nodiscard]] virtual std::optional<runtime::cgroup::CpuBandwidth> own_cpu() const = 0;
  // The quota that it is lent; empty: none. Lending nothing any more gives it its own again.
  [[nodiscard]] virtual std::optional<std::chrono::microseconds> lent_quota() const = 0;
  [[nodiscard]] virtual Status lend_quota(std::optional<std::chrono::microseconds> quota) = 0;
  // Stop signal, grace, kill, start.
  [[nodiscard]] virtual Status restart(const std::string& reason) = 0;
  // SIGKILL to all of it. Who is throttled by a quota is not to wait for its next period to die.
  [[nodiscard]] virtual Status kill_all() = 0;
  // Starts a command inside, which is killed after `timeout`: a child of ours, whose exit code is the command's, or
  // 124.
  [[nodiscard]] virtual Result<pid_t> exec(const std::vector<std::string>& command,
                                           std::chrono::nanoseconds timeout) = 0;
  // Somebody else than this agent undoes a freeze, should the agent not be there when its time is over.
  [[nodiscard]] virtual Status guard_freeze(std::chrono::nanoseconds timeout) = 0;
  virtual void unguard_freeze() = 0;
  // A hold begins: whoever ends a hold when there is no agent counts its time from now.
  virtual void guard_new_hold() = 0;
  // The kernel decides at the limit, where a hold or a raise has come to nothing, until decide_again().
  [[nodiscard]] virtual Status let_kernel_decide() = 0;
  virtual void decide_again() = 0;
  // Has it been told to restart, and not ended yet?
  [[nodiscard]] virtual bool restarting() const = 0;
  // v2: it is stuck at its memory.high, which it has no more when this is done.
  [[nodiscard]] virtual Status lift_memory_high() = 0;
  // Memory is short: by the protocol of systemd's services, for those inside who listen.
  [[nodiscard]] virtual Status notify_pressure() = 0;
  // A policy has killed in it: for the counters and for the reason of its end.
  virtual void killed_by_policy(const std::string& reason) = 0;
};

}  // namespace mete::agent
