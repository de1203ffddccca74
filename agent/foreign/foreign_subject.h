// SPDX-License-Identifier: Apache-2.0
// A cgroup that others made and that a policy selects by its path. Every change of it goes through the ledger.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/enforcement/cpu_enforcer.h"
#include "agent/enforcement/drift_watch.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/enforcement/oom_watch.h"
#include "agent/enforcement/subject.h"
#include "agent/foreign/foreign_watchdog.h"
#include "agent/foreign/ledger.h"
#include "enforcers/asked_limits.h"
#include "enforcers/oom.h"

namespace mete::agent {

class ForeignSubject : public Subject, private OomAccount, private DriftOwner {
 public:
  ForeignSubject(Enforcement& enforcement, Ledger& ledger, runtime::cgroup::Group group, std::uint64_t cgroup_id);
  ~ForeignSubject() override;

  // Writes the policy's limits and begins to watch. Restores what an earlier policy has changed and this policy does
  // not.
  void hold_to(const config::Policy& policy);
  // Stops watching and restores everything.
  void release(Ledger::Usage usage);
  // Called when the kernel's log reports a kill in it or in a cgroup below.
  void oom_killed_in_log(const KernelKill& kill) { oom_.killed_in_log(kill); }
  [[nodiscard]] std::uint64_t cgroup_id() const { return cgroup_id_; }

  [[nodiscard]] const runtime::cgroup::Group& cgroup() const override { return group_; }
  [[nodiscard]] std::string shown() const override { return "cgroup " + group_.path(); }
  [[nodiscard]] std::string pod_key() const override { return {}; }
  [[nodiscard]] std::string container_name() const override { return {}; }
  [[nodiscard]] const config::Policy* policy() const override { return policy_ ? &*policy_ : nullptr; }
  [[nodiscard]] std::optional<Bytes> memory_limit() const override { return limit_; }
  [[nodiscard]] std::optional<Bytes> original_limit() const override { return original_limit_; }
  void report(Severity severity, std::string reason, std::string message, EventFields fields) override;
  [[nodiscard]] Result<runtime::process::ProcessId> first_process() const override;
  [[nodiscard]] Status raise_memory_limit(Bytes to) override;
  [[nodiscard]] std::optional<runtime::cgroup::CpuBandwidth> own_cpu() const override;
  [[nodiscard]] std::optional<std::chrono::microseconds> lent_quota() const override;
  [[nodiscard]] Status lend_quota(std::optional<std::chrono::microseconds> quota) override;
  [[nodiscard]] Status restart(const std::string& reason) override;
  // foreign_kill.cpp
  [[nodiscard]] Status kill_all() override;
  [[nodiscard]] Result<pid_t> exec(const std::vector<std::string>& command, std::chrono::nanoseconds timeout) override;
  [[nodiscard]] Status guard_freeze(std::chrono::nanoseconds timeout) override;
  void unguard_freeze() override;
  void guard_new_hold() override;
  [[nodiscard]] Status let_kernel_decide() override;
  void decide_again() override { apply_policy(); }
  [[nodiscard]] bool restarting() const override { return false; }
  [[nodiscard]] Status lift_memory_high() override;
  [[nodiscard]] Status notify_pressure() override;
  void killed_by_policy(const std::string& reason) override;

 private:
  [[nodiscard]] runtime::cgroup::Limits asked_limits() const;
  void apply_policy();  // with the present limit
  [[nodiscard]] Status apply(const runtime::cgroup::Limits& limits);
  void read_own_cpu();
  void give_quota_back(unsigned looks);
  void poll_after(std::chrono::milliseconds delay);
  void report_restored(const Ledger::Restored& restored);
  void begin_oom_account();
  void guard_oom();  // for the case that no agent runs

  // See OomAccount; it begins when a policy takes hold.
  [[nodiscard]] const runtime::cgroup::OomCounters* known() const override { return &oom_known_; }
  // Without a policy's word the owner of the cgroup decides (memory.oom.group): mete kills no other process.
  [[nodiscard]] enforcers::OomAction usual_action() const override { return enforcers::OomAction::kKillProcess; }
  [[nodiscard]] bool kernel_kills_group() const override { return limits_.oom_group.value_or(false); }
  void enter(const runtime::cgroup::OomCounters& counters, const Scopes& kills) override {
    oom_known_ = counters;
    for (const auto& [scope, count] : kills) kills_ += count;
  }
  [[nodiscard]] std::uint64_t total() const override { return kills_; }
  [[nodiscard]] std::string pod_cgroup() const override { return {}; }
  [[nodiscard]] std::string command_of(pid_t /*pid*/) const override { return {}; }
  void reported(const ForensicRecord& /*record*/) override {}

  // See DriftOwner.
  [[nodiscard]] const runtime::cgroup::Limits* wanted_limits() override { return policy_ ? &limits_ : nullptr; }
  [[nodiscard]] bool leaves_drift() const override { return policy_->drift == config::OnDrift::kReport; }
  void report_drift(std::string message, EventFields fields) override;
  void memory_event() override { oom_.woken(); }
  [[nodiscard]] Status write_again(const runtime::cgroup::Limits& limits) override { return apply(limits); }

  Enforcement& enforcement_;
  Services& services_;
  Ledger& ledger_;
  runtime::cgroup::Group group_;
  std::uint64_t cgroup_id_;
  std::optional<config::Policy> policy_;
  std::optional<Bytes> limit_, original_limit_;
  std::optional<runtime::cgroup::CpuBandwidth> cpu_;  // its own
  std::optional<std::chrono::microseconds> lent_;
  enforcers::IoFacts io_;
  runtime::cgroup::Limits limits_;  // as the policy wants them
  Timer look_timer_;
  Timer death_timer_;
  bool applied_ = false;
  std::string failure_told_;
  ForeignWatchdog watchdog_;
  std::unique_ptr<DriftWatch> drift_;
  std::uint64_t kills_ = 0;
  runtime::cgroup::OomCounters oom_known_;
  MemoryEnforcer enforcer_;
  OomWatch oom_;
  CpuEnforcer cpu_enforcer_;
  Alive alive_;
};

}  // namespace mete::agent
