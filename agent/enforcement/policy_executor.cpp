// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/policy_executor.h"

#include "enforcers/signal_process.h"
#include "runtime/cgroup/memory/reclaim.h"

namespace mete::agent {
namespace {

class KernelExecutor : public PolicyExecutor {
 public:
  [[nodiscard]] Outcome outcome_of(const Status& done) const override {
    return done ? Outcome::kDone : Outcome::kFailed;
  }
  bool may_kill(enforcers::KillGuard& guard, const config::Policy& policy, Moment now) override {
    return guard.allow(policy.guard, now);
  }
  bool waits_at_limit(const Subject& subject) override { return subject.cgroup().under_oom().value_or(false); }

  Status signal(const runtime::process::ProcessId& process, int number) override {
    return enforcers::signal_process(process, number);
  }
  // Entered first: the end that follows has this reason.
  Status kill_container(Subject& subject) override {
    subject.killed_by_policy("PolicyKilled");
    return subject.kill_all();
  }
  Status kill_process(Subject& subject, pid_t pid) override {
    subject.killed_by_policy("");
    return enforcers::kill_process(pid, subject.cgroup());
  }
  Status kill_rest(Subject& subject) override { return subject.kill_all(); }
  Status restart(Subject& subject) override { return subject.restart("PolicyRestarted"); }
  Result<pid_t> exec(Subject& subject, const std::vector<std::string>& command,
                     std::chrono::nanoseconds timeout) override {
    return subject.exec(command, timeout);
  }
  Status raise(Subject& subject, Bytes to) override { return subject.raise_memory_limit(to); }
  // Guarded first: an agent that dies between the two leaves nothing frozen.
  Status freeze(Subject& subject, std::chrono::nanoseconds timeout) override {
    METE_CHECK(subject.guard_freeze(timeout));
    Status frozen = subject.cgroup().freeze();
    if (!frozen) subject.unguard_freeze();
    return frozen;
  }
  Status lift_memory_high(Subject& subject) override { return subject.lift_memory_high(); }
  Status notify_pressure(Subject& subject) override { return subject.notify_pressure(); }
  Status lend_quota(Subject& subject, std::optional<std::chrono::microseconds> quota) override {
    return subject.lend_quota(quota);
  }
  void reclaim(Workers& workers, const Subject& subject, Bytes target, std::shared_ptr<std::atomic<bool>> stop,
               Reclaimed done) override {
    const auto left = std::make_shared<Result<Bytes>>(Bytes(0));
    workers.run([group = subject.cgroup(), target, stop = std::move(stop),
                 left] { *left = runtime::cgroup::reclaim(group, target, *stop); },
                [left, done = std::move(done)] { done(*left); });
  }
};

class DryRunExecutor : public PolicyExecutor {
 public:
  [[nodiscard]] Outcome outcome_of(const Status& /*done*/) const override { return Outcome::kDryRun; }
  bool may_kill(enforcers::KillGuard& /*guard*/, const config::Policy& /*policy*/, Moment /*now*/) override {
    return true;
  }
  bool waits_at_limit(const Subject& /*subject*/) override { return true; }
  Status signal(const runtime::process::ProcessId& /*process*/, int /*number*/) override { return {}; }
  Status kill_container(Subject& /*subject*/) override { return {}; }
  Status kill_process(Subject& /*subject*/, pid_t /*pid*/) override { return {}; }
  Status kill_rest(Subject& /*subject*/) override { return {}; }
  Status restart(Subject& /*subject*/) override { return {}; }
  Result<pid_t> exec(Subject& /*subject*/, const std::vector<std::string>& /*command*/,
                     std::chrono::nanoseconds /*timeout*/) override {
    return 0;
  }
  Status raise(Subject& /*subject*/, Bytes /*to*/) override { return {}; }
  Status freeze(Subject& /*subject*/, std::chrono::nanoseconds /*timeout*/) override { return {}; }
  Status lift_memory_high(Subject& /*subject*/) override { return {}; }
  Status notify_pressure(Subject& /*subject*/) override { return {}; }
  Status lend_quota(Subject& /*subject*/, std::optional<std::chrono::microseconds> /*quota*/) override { return {}; }
  void reclaim(Workers& /*workers*/, const Subject& /*subject*/, Bytes target,
               std::shared_ptr<std::atomic<bool>> /*stop*/, Reclaimed done) override {
    done(target);
  }
};

}  // namespace

PolicyExecutor& kernel_executor() {
  static KernelExecutor executor;
  return executor;
}

PolicyExecutor& dry_run_executor() {
  static DryRunExecutor executor;
  return executor;
}

PolicyExecutor& executor_of(const Subject& subject) {
  const auto* const policy = subject.policy();
  return policy != nullptr && policy->dry_run ? dry_run_executor() : kernel_executor();
}

}  // namespace mete::agent
