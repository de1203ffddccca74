// SPDX-License-Identifier: Apache-2.0
// Stopping a container for somebody to decide: by freezing it (a threshold's `freeze`, and `hold` on v2), or by letting
// who runs out of memory wait (`hold` on v1). Always for a bounded time; nothing hangs for ever, whoever dies when.
#include <algorithm>

#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/memory_enforcer.h"
#include "enforcers/oom.h"

namespace mete::agent {
namespace {

using config::AfterFreeze;
using config::OnOom;
using config::ThresholdAction;

// Somebody may have made room, raised the limit or thawed it.
constexpr auto kLookWhetherReleased = std::chrono::milliseconds(20);
// What the kernel kills ends within it; then the policy decides again.
constexpr auto kKernelKills = std::chrono::milliseconds(200);
constexpr auto kKernelDecides = std::chrono::minutes(1);
constexpr auto kTellAgain = std::chrono::seconds(1);

std::string sentence(const Trigger& trigger, const Subject& subject, const std::string& what) {
  return "Rule " + trigger.rule + " of " + subject.shown() + ": " + trigger.because + "; " + what;
}

}  // namespace

void MemoryEnforcer::out_of_memory(Moment woken) {
  const auto* const policy = subject_.policy();
  if (policy == nullptr || !policy->memory.on_oom || stopped_ != Stopped::kNo || kernel_decides_ || !probe_) return;
  const bool hold_wanted = *policy->memory.on_oom == OnOom::kHold;
  if (!hold_wanted && *policy->memory.on_oom != OnOom::kRaise) return;
  if (const Moment until = std::max(raised_until_, refused_until_); woken < until) {
    // Those who wait have not yet taken what they were given. Should that not be enough, they wait still.
    release_timer_.expires_at(until);
    release_timer_.async_wait(alive_.guard([this] { out_of_memory(std::chrono::steady_clock::now()); }));
    return;
  }
  const SpareDescriptors spare;
  const auto moment = probe_->read();
  const auto limit = subject_.memory_limit();
  if (!moment || !limit) return;
  usage_ = moment->usage;
  history_.see(moment->at, moment->usage);
  const bool v1 = services_.hierarchies.on_v1("memory");
  if (!v1) {
    // It may have grown past a threshold and to its memory.high between two looks: what a rule does then comes first.
    look_at(*moment, woken);
    if (!probe_ || stopped_ != Stopped::kNo || woken < std::max(raised_until_, killed_until_)) return;
  }
  // A dry run leaves the kernel to kill: on v1 what it would have done is told by its wake-up.
  const bool now = v1 ? dry_run() || subject_.cgroup().under_oom().value_or(false)
                      : enforcers::out_of_memory_at(moment->usage, page_cache().value_or(moment->usage), *limit);
  if (!now) return;
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = std::string("memory.onOOM: ") + (hold_wanted ? "hold" : "raise");
  trigger.because = "it needs more than its limit of " + std::to_string(limit->count()) + " bytes";
  trigger.woken = woken;
  if (hold_wanted) return hold(trigger);
  const Outcome raised = raise(trigger);
  if (raised == Outcome::kDone) return;
  refused_until_ = std::chrono::steady_clock::now() + kTellAgain;
  if (raised == Outcome::kFailed && (kill(ThresholdAction::kKillContainer, trigger) != Outcome::kDone || v1))
    leave_it_to_the_kernel();
}

// It is not ours to thaw, then.
bool MemoryEnforcer::stopped_by_others() const {
  return !dry_run() && subject_.cgroup().freeze_asked().value_or(false);
}

// The guard may have forbidden to kill, or the choice was no help: then the kernel decides, rather than nobody.
void MemoryEnforcer::leave_it_to_the_kernel() {
  again_timer_.expires_after(kKernelKills);
  again_timer_.async_wait(alive_.guard([this] {
    if (services_.hierarchies.on_v1("memory") && !subject_.cgroup().under_oom().value_or(false)) return;
    const Status done = subject_.let_kernel_decide();
    subject_.tell(Severity::kWarning, "HoldEnded",
                  "Out of memory, and no longer held: the kernel decides in " + subject_.shown() +
                      (done ? "" : ": " + done.error().what),
                  {});
    kernel_decides_ = true;
    again_timer_.expires_after(kKernelDecides);
    again_timer_.async_wait(alive_.guard([this] {
      kernel_decides_ = false;
      if (open_) subject_.decide_again();
    }));
  }));
}

void MemoryEnforcer::hold(const Trigger& trigger) {
  const bool v1 = services_.hierarchies.on_v1("memory");
  if (!v1 && stopped_by_others()) return;
  const auto rule =
      subject_.policy()->memory.hold.value_or(config::OomHold{std::chrono::seconds(5), OnOom::kKillContainer});
  auto told_of = incident(trigger);
  Status done;
  if (!v1 && !dry_run()) {
    done = subject_.guard_freeze(rule.timeout);
    if (done) done = executor().freeze(subject_.cgroup());
  }
  const Outcome outcome = dry_run() ? Outcome::kDryRun : done ? Outcome::kDone : Outcome::kFailed;
  told_of.step("held");
  told_of.finish(
      outcome, "hold", "OOMHeld",
      sentence(trigger, subject_,
               "held for " +
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(rule.timeout).count()) +
                   " ms: " + std::string(to_string(outcome))),
      done ? "" : done.error().what);
  if (outcome != Outcome::kDone) {
    refused_until_ = std::chrono::steady_clock::now() + kTellAgain;
    return;
  }
  stopped_ = Stopped::kHeld;
  stopped_by_ = trigger;
  stopped_for(rule.timeout);
}

void MemoryEnforcer::freeze(const config::MemoryThreshold& rule, const Trigger& trigger) {
  if (stopped_by_others()) return told(trigger, "freeze", Outcome::kFailed, "somebody else has frozen it");
  auto told_of = incident(trigger);
  Status done;
  // Guarded first: an agent that dies between the two lines leaves nothing frozen.
  if (!dry_run()) done = subject_.guard_freeze(*rule.timeout);
  if (done) done = executor().freeze(subject_.cgroup());
  const Outcome outcome = dry_run() ? Outcome::kDryRun : done ? Outcome::kDone : Outcome::kFailed;
  told_of.step("frozen");
  told_of.finish(
      outcome, "freeze", "Frozen",
      sentence(trigger, subject_,
               "freeze for " +
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(*rule.timeout).count()) +
                   " ms: " + std::string(to_string(outcome))),
      done ? "" : done.error().what);
  if (outcome != Outcome::kDone) {
    if (!dry_run()) subject_.unguard_freeze();
    return;
  }
  stopped_ = Stopped::kFrozen;
  stopped_by_ = trigger;
  after_freeze_ = rule.then;
  stopped_for(*rule.timeout);
}

void MemoryEnforcer::stopped_for(std::chrono::nanoseconds timeout) {
  stop_timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
  stop_timer_.async_wait(alive_.guard([this] { time_is_over(); }));
  look_whether_released();
}

void MemoryEnforcer::look_whether_released() {
  release_timer_.expires_after(kLookWhetherReleased);
  release_timer_.async_wait(alive_.guard([this] {
    if (stopped_ == Stopped::kNo) return;
    const bool waits = stopped_ == Stopped::kHeld && services_.hierarchies.on_v1("memory");
    const auto still = waits ? subject_.cgroup().under_oom() : subject_.cgroup().freeze_asked();
    if (still && *still) return look_whether_released();
    const Trigger by = stopped_by_;
    const bool gone = !still;
    let_go();
    if (gone) return;
    services_.instruments.enforcement(by.enforcer, "release", "done");
    subject_.tell(Severity::kNormal, "Released",
                  sentence(by, subject_, waits ? "it has room again and goes on" : "somebody has thawed it"),
                  {{"rule", by.rule}});
  }));
}

void MemoryEnforcer::let_go() {
  stop_timer_.cancel();
  release_timer_.cancel();
  const bool frozen = stopped_ == Stopped::kFrozen || !services_.hierarchies.on_v1("memory");
  stopped_ = Stopped::kNo;
  if (frozen) {
    (void)subject_.cgroup().thaw();
    subject_.unguard_freeze();
  }
}

bool MemoryEnforcer::policy_still_stops() const {
  const auto* const policy = subject_.policy();
  if (policy == nullptr || policy->dry_run) return false;
  if (stopped_ == Stopped::kHeld) return policy->memory.on_oom == OnOom::kHold;
  const auto& rules = policy->memory.at;
  return std::any_of(rules.begin(), rules.end(),
                     [](const auto& rule) { return rule.action == ThresholdAction::kFreeze; });
}

void MemoryEnforcer::time_is_over() {
  if (stopped_ == Stopped::kNo) return;
  const SpareDescriptors spare;
  if (stopped_ == Stopped::kFrozen) return end_freeze();
  end_hold();
}

void MemoryEnforcer::end_freeze() {
  Trigger trigger = stopped_by_;
  trigger.woken = std::chrono::steady_clock::now();
  trigger.because += ", and nobody has thawed it in time";
  // A frozen cgroup2 dies at once, and thaws after: it must not run on in between.
  if (after_freeze_ == AfterFreeze::kKillContainer) (void)kill(ThresholdAction::kKillContainer, trigger);
  if (after_freeze_ == AfterFreeze::kKillProcess) (void)kill(ThresholdAction::kKillProcess, trigger);
  let_go();
  if (after_freeze_ == AfterFreeze::kThaw) told(trigger, "thaw", Outcome::kDone, "");
}

void MemoryEnforcer::end_hold() {
  const auto* const policy = subject_.policy();
  const OnOom then = policy != nullptr && policy->memory.hold ? policy->memory.hold->then : OnOom::kKillContainer;
  Trigger trigger = stopped_by_;
  trigger.woken = std::chrono::steady_clock::now();
  trigger.because += ", and nobody has given it more in time";
  std::optional<Outcome> killed;
  if (then != OnOom::kRaise || raise(trigger) == Outcome::kFailed) {
    killed =
        kill(then == OnOom::kKillProcess ? ThresholdAction::kKillProcess : ThresholdAction::kKillContainer, trigger);
  }
  const bool v1 = services_.hierarchies.on_v1("memory");
  let_go();
  if (killed && (v1 || *killed != Outcome::kDone)) {
    refused_until_ = std::chrono::steady_clock::now() + kTellAgain;
    leave_it_to_the_kernel();
  }
}

}  // namespace mete::agent
