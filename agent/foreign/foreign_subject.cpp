// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/foreign_subject.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>

#include "agent/enforcement/io_facts.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/cpu.h"
#include "runtime/cgroup/freezer.h"
#include "runtime/cgroup/memory/memory.h"
#include "runtime/cgroup/memory/oom.h"

namespace mete::agent {
namespace {

using runtime::cgroup::Limit;
using runtime::cgroup::Limits;

}  // namespace

ForeignSubject::ForeignSubject(Enforcement& enforcement, Ledger& ledger, runtime::cgroup::Group group,
                               std::uint64_t cgroup_id)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      ledger_(ledger),
      group_(std::move(group)),
      cgroup_id_(cgroup_id),
      look_timer_(services_.loop),
      death_timer_(services_.loop),
      watchdog_(services_, group_),
      enforcer_(enforcement, *this),
      oom_(enforcement, *this, *this, enforcer_),
      cpu_enforcer_(enforcement, *this) {
  DriftOwner& owner = *this;
  drift_ = std::make_unique<DriftWatch>(services_, group_, owner);
}

ForeignSubject::~ForeignSubject() = default;

void ForeignSubject::report_drift(std::string message, EventFields fields) {
  report(Severity::kWarning, name_of(Reason::kLimitDrift), std::move(message), std::move(fields));
}

void ForeignSubject::report(Severity severity, std::string reason, std::string message, EventFields fields) {
  fields.emplace_back("cgroup", group_.path());
  services_.events.add(
      {.severity = severity, .reason = std::move(reason), .message = std::move(message), .fields = std::move(fields)});
}

Limits ForeignSubject::asked_limits() const {
  Limits limits;
  if (enforcers::in_force(&*policy_) == nullptr) return limits;
  if (policy_->pids.max) limits.pids = Limit<std::uint64_t>(static_cast<std::uint64_t>(*policy_->pids.max));
  // The kernel takes at most the quota.
  if (policy_->cpu.burst && cpu_)
    limits.cpu_burst =
        std::min(std::chrono::duration_cast<std::chrono::microseconds>(*policy_->cpu.burst), cpu_->quota.value());
  if (policy_->memory.swap && limit_) limits.swap = Limit<Bytes>(*policy_->memory.swap);
  if (runtime::cgroup::has_net_class(services_.hierarchies)) limits.net_class = policy_->net_cls.class_id;
  enforcers::add_io(policy_->io, io_, limits);
  const bool group_kill =
      policy_->memory.on_oom && enforcers::oom_action(&*policy_) == enforcers::OomAction::kKillContainer;
  if (group_kill && runtime::cgroup::has_oom_group(services_.hierarchies)) limits.oom_group = true;
  if (enforcers::decides_before_the_kernel(&*policy_) && limit_) {
    if (runtime::cgroup::can_wait_out_of_memory(services_.hierarchies)) {
      limits.oom_kill_disable = true;
    } else {
      limits.memory_high = Limit<Bytes>(enforcers::tripwire_of(*limit_));
    }
  }
  return limits;
}

// A refusal by one file does not keep the other files from being written.
Status ForeignSubject::apply(const Limits& limits) {
  Status first;
  const auto note = [&](Status done) {
    if (!done && first) first = std::move(done);
  };
  for (const auto& part : runtime::cgroup::parts_of(limits)) {
    const auto writes = group_.planned(part);
    if (!writes) note(tl::unexpected(writes.error()));
    for (const auto& write : writes.value_or(std::vector<runtime::cgroup::ControlWrite>()))
      note(ledger_.write(group_, cgroup_id_, write));
  }
  return first;
}

// A value that another program has written since belongs to that program: the stored value is not restored.
void ForeignSubject::read_own_cpu() {
  const auto found = runtime::cgroup::cpu_bandwidth(group_);
  const bool ours = lent_ && found && found->quota == runtime::cgroup::Limit(*lent_);
  if (ours || found == cpu_) return;
  if (lent_) {
    lent_.reset();
    ledger_.forget(group_.path(), runtime::cgroup::is_cpu_bandwidth);
  }
  cpu_ = found;
  cpu_enforcer_.open();
}

void ForeignSubject::apply_policy() {
  limit_ = original_limit_ = runtime::cgroup::memory_limit(group_);
  if (!lent_) cpu_ = runtime::cgroup::cpu_bandwidth(group_);
  limits_ = asked_limits();
  guard_oom();
  const Status done = apply(limits_);
  const bool gone = !done && runtime::cgroup::is_gone(done.error());
  applied_ = done.has_value();
  // Gone: not made in this hierarchy yet. A program makes the directories of a cgroup one after the other.
  if (!gone) services_.instruments.enforcement("limits", "apply", done ? "done" : "failed");
  if (!done && !gone && std::exchange(failure_told_, done.error().what) != done.error().what)
    report(Severity::kWarning, name_of(Reason::kLimitFailed), shown() + ": " + done.error().what, {});
}

// The program that makes a cgroup writes the limits after mete has seen the cgroup, and may change them later.
void ForeignSubject::poll_after(std::chrono::milliseconds delay) {
  static constexpr std::chrono::milliseconds kSlowest(10'000);
  look_timer_.expires_after(delay);
  look_timer_.async_wait(alive_.guard([this, delay] {
    read_own_cpu();
    if (runtime::cgroup::memory_limit(group_) != limit_ || !applied_) {
      apply_policy();
      enforcer_.open();
    }
    poll_after(std::min(4 * delay, kSlowest));
  }));
}

void ForeignSubject::hold_to(const config::Policy& policy) {
  if (policy_ == policy) return;
  if (policy_) {
    // Limits that the earlier policy asked for and this one does not.
    drift_->close();
    const auto restored = ledger_.restore(group_.path(), services_.hierarchies, Ledger::Usage::kLeave);
    for (const auto& error : restored.errors) report(Severity::kWarning, name_of(Reason::kRestoreFailed), error, {});
  }
  policy_ = policy;
  failure_told_.clear();
  lent_.reset();  // put back above, or never lent
  std::vector<std::string> faults = enforcers::not_to_be_had(policy, services_.hierarchies);
  io_ = find_policy_disks(policy.io, group_, faults);
  if (policy.cpu.exclusive || policy.cpu.idle) faults.emplace_back("cpu.exclusive and cpu.idle are for pods alone");
  if (policy.memory.notify) faults.emplace_back("memory.notify is for pods alone");
  if (policy.devices != config::DevicePolicy()) faults.emplace_back("devices is for pods alone");
  for (const auto& fault : faults)
    report(Severity::kWarning, name_of(Reason::kNotEnforced),
           "policy " + config::full_name(policy.metadata) + " on " + shown() + ": " + fault, {});
  apply_policy();
  poll_after(std::chrono::milliseconds(5));
  begin_oom_account();
  oom_.open();
  enforcer_.open();
  drift_->open();
  cpu_enforcer_.open();
  if (const auto under = group_.under_oom(); under && *under) oom_.woken();
}

void ForeignSubject::release(Ledger::Usage usage) {
  drift_->close();
  enforcer_.close();
  cpu_enforcer_.close();
  oom_.close();
  look_timer_.cancel();
  death_timer_.cancel();
  report_restored(ledger_.restore(group_.path(), services_.hierarchies, usage));
  watchdog_.close();
  policy_.reset();
}

void ForeignSubject::report_restored(const Ledger::Restored& restored) {
  for (const auto& knob : restored.put_back) {
    report(Severity::kNormal, name_of(Reason::kRestored),
           knob.file + " of " + shown() + " is what it was: " + knob.before,
           {{"file", knob.file}, {"text", knob.before}});
  }
  for (const auto& knob : restored.changed_since) {
    report(Severity::kNormal, name_of(Reason::kNotRestored),
           knob.file + " of " + shown() + " was written by another program since, and stays as it is",
           {{"file", knob.file}});
  }
  for (const auto& error : restored.errors) report(Severity::kWarning, name_of(Reason::kRestoreFailed), error, {});
}

// Earlier kills are not reported, but they count in the numbers.
void ForeignSubject::begin_oom_account() {
  auto counters = runtime::cgroup::read_oom_counters(group_);
  if (!counters) return;
  runtime::cgroup::read_oom_path(group_, *counters);
  kills_ = runtime::cgroup::oom_kills_between({}, *counters, {}).kills.size();
  oom_known_ = std::move(*counters);
}

Result<runtime::process::ProcessId> ForeignSubject::first_process() const {
  METE_TRY(const auto pids, group_.processes());
  std::optional<runtime::process::ProcessId> first;
  for (const pid_t pid : pids) {
    const auto each = runtime::process::identify(pid);
    if (each && (!first || each->start_time < first->start_time)) first = *each;
  }
  if (!first) return fail(shown() + " has no process");
  return *first;
}

Status ForeignSubject::raise_memory_limit(Bytes to) {
  Limits limits;
  limits.memory = Limit<Bytes>(to);
  if (enforcers::decides_before_the_kernel(policy()) && runtime::cgroup::has_memory_high(services_.hierarchies))
    limits.memory_high = Limit<Bytes>(enforcers::tripwire_of(to));
  METE_CHECK(apply(limits));
  limit_ = to;
  if (limits.memory_high) limits_.memory_high = limits.memory_high;
  // As with a container of ours: not before the raise is told.
  asio::post(services_.loop, alive_.guard([this] {
    if (policy_) enforcer_.open();
  }));
  return {};
}

std::optional<runtime::cgroup::CpuBandwidth> ForeignSubject::own_cpu() const {
  return cpu_;
}
std::optional<std::chrono::microseconds> ForeignSubject::lent_quota() const {
  return lent_;
}

Status ForeignSubject::lend_quota(std::optional<std::chrono::microseconds> quota) {
  read_own_cpu();
  if (!cpu_) return fail("it has no CPU limit any more");
  Limits limits;
  limits.cpu_bandwidth = runtime::cgroup::CpuBandwidth{quota.value_or(cpu_->quota.value()), cpu_->period};
  METE_CHECK(apply(limits));
  lent_ = quota;
  return {};
}

Status ForeignSubject::restart(const std::string& /*reason*/) {
  return fail("it is no container of mete's: only the program that launched it can restart it");
}

Result<pid_t> ForeignSubject::exec(const std::vector<std::string>& /*command*/, std::chrono::nanoseconds /*timeout*/) {
  return fail("it is no container of mete's: with which rights a command would run in it is not known");
}

// There is no shim here but one of its own, and the ledger has the next agent thaw it.
Status ForeignSubject::guard_freeze(std::chrono::nanoseconds timeout) {
  METE_CHECK(ledger_.write(group_, cgroup_id_, runtime::cgroup::thaw_write(group_.hierarchies())));
  return watchdog_.guard_freeze(timeout);
}

void ForeignSubject::guard_new_hold() {
  watchdog_.wake();
}

void ForeignSubject::unguard_freeze() {
  watchdog_.unguard_freeze();
  // From now on the program that freezes the group thaws it.
  ledger_.forget(group_.path(), runtime::cgroup::is_freezer);
}

void ForeignSubject::guard_oom() {
  if (!limits_.oom_kill_disable.value_or(false)) return watchdog_.unguard_oom();
  constexpr auto kUsual = std::chrono::seconds(5);
  const auto& hold = policy_->memory.hold;
  if (const auto guarded = watchdog_.guard_oom(hold ? std::chrono::ceil<std::chrono::milliseconds>(hold->timeout)
                                                    : std::chrono::milliseconds(kUsual));
      !guarded) {
    report(
        Severity::kWarning, name_of(Reason::kNotEnforced),
        "Without a watchdog no process would release " + shown() + ", should this agent die: " + guarded.error().what,
        {});
  }
}

Status ForeignSubject::let_kernel_decide() {
  if (!runtime::cgroup::can_wait_out_of_memory(services_.hierarchies)) return lift_memory_high();
  limits_.oom_kill_disable.reset();  // no drift
  return ledger_.write(group_, cgroup_id_, runtime::cgroup::enable_oom_kill());
}
Status ForeignSubject::lift_memory_high() {
  limits_.memory_high.reset();
  return ledger_.write(group_, cgroup_id_, runtime::cgroup::no_memory_high());
}
Status ForeignSubject::notify_pressure() {
  return fail("the path at which it listens is in its environment, which is not known");
}
void ForeignSubject::killed_by_policy(const std::string& /*reason*/) {}

}  // namespace mete::agent
