// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_stop.h"

#include <algorithm>

#include "agent/base/spare_descriptors.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"

namespace mete::agent {
namespace {

using config::AfterFreeze;
using config::OnOom;
using config::ThresholdAction;

// Another program may have freed memory, raised the limit or thawed the group.
constexpr auto kPollRelease = std::chrono::milliseconds(20);
// A process that the kernel kills ends within kKernelKills. After kKernelDecides the policy decides again.
constexpr auto kKernelKills = std::chrono::milliseconds(200);
constexpr auto kKernelDecides = std::chrono::minutes(1);
constexpr auto kTryAgain = std::chrono::seconds(1);

std::string milliseconds_text(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

MemoryStop::MemoryStop(Services& services, Subject& subject, const MemoryGauge& gauge, MemoryActions& actions)
    : services_(services),
      subject_(subject),
      gauge_(gauge),
      actions_(actions),
      stop_timer_(services.loop),
      release_timer_(services.loop),
      again_timer_(services.loop) {}

bool MemoryStop::waits_in_kernel() const {
  return runtime::cgroup::can_wait_out_of_memory(services_.hierarchies);
}

// It is not ours to thaw, then.
bool MemoryStop::frozen_by_others() const {
  return subject_.cgroup().freeze_asked().value_or(false);
}

void MemoryStop::reset() {
  refused_until_ = {};
  kernel_decides_ = false;
  again_timer_.cancel();
}

void MemoryStop::refuse_for_a_while() {
  refused_until_ = std::chrono::steady_clock::now() + kTryAgain;
}

// The guard may have forbidden the kill, or the kill did not help: then the kernel decides.
void MemoryStop::leave_it_to_the_kernel() {
  again_timer_.expires_after(kKernelKills);
  again_timer_.async_wait(alive_.guard([this] {
    if (waits_in_kernel() && !subject_.cgroup().under_oom().value_or(false)) return;
    const Status done = subject_.let_kernel_decide();
    subject_.report(Severity::kWarning, name_of(Reason::kHoldEnded),
                    "Out of memory, and no longer held: the kernel decides in " + subject_.shown() +
                        (done ? "" : ": " + done.error().what),
                    {});
    kernel_decides_ = true;
    again_timer_.expires_after(kKernelDecides);
    again_timer_.async_wait(alive_.guard([this] {
      kernel_decides_ = false;
      if (gauge_.is_open()) subject_.decide_again();
    }));
  }));
}

void MemoryStop::hold(const Trigger& trigger) {
  const bool freezes = !waits_in_kernel();
  if (freezes && frozen_by_others()) return;
  const auto rule =
      subject_.policy()->memory.hold.value_or(config::OomHold{std::chrono::seconds(5), OnOom::kKillContainer});
  auto incident = actions_.begin_incident(trigger);
  const Status done = freezes ? actions_.executor().freeze(subject_, rule.timeout) : Status();
  const Outcome outcome = actions_.executor().outcome_of(done);
  incident.step("held");
  incident.finish(outcome, "hold", "OOMHeld",
                  actions_.sentence(
                      trigger, "held for " + milliseconds_text(rule.timeout) + ": " + std::string(to_string(outcome))),
                  done ? "" : done.error().what);
  if (outcome != Outcome::kDone) return refuse_for_a_while();
  if (!freezes) subject_.guard_new_hold();
  stopped_for(Stopped::kHeld, trigger, rule.timeout);
}

void MemoryStop::freeze(const config::MemoryThreshold& rule, const Trigger& trigger) {
  if (frozen_by_others()) return actions_.report(trigger, "freeze", Outcome::kFailed, "another program has frozen it");
  auto incident = actions_.begin_incident(trigger);
  const Status done = actions_.executor().freeze(subject_, *rule.timeout);
  const Outcome outcome = actions_.executor().outcome_of(done);
  incident.step("frozen");
  incident.finish(outcome, "freeze", "Frozen",
                  actions_.sentence(trigger, "freeze for " + milliseconds_text(*rule.timeout) + ": " +
                                                 std::string(to_string(outcome))),
                  done ? "" : done.error().what);
  if (outcome != Outcome::kDone) return;
  after_freeze_ = rule.then;
  stopped_for(Stopped::kFrozen, trigger, *rule.timeout);
}

void MemoryStop::stopped_for(Stopped how, const Trigger& by, std::chrono::nanoseconds timeout) {
  stopped_ = how;
  stopped_by_ = by;
  stop_timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(timeout));
  stop_timer_.async_wait(alive_.guard([this] { time_is_over(); }));
  poll_release();
}

void MemoryStop::poll_release() {
  release_timer_.expires_after(kPollRelease);
  release_timer_.async_wait(alive_.guard([this] {
    if (stopped_ == Stopped::kNo) return;
    const bool waits = stopped_ == Stopped::kHeld && waits_in_kernel();
    const auto still = waits ? subject_.cgroup().under_oom() : subject_.cgroup().freeze_asked();
    if (still && *still) return poll_release();
    const Trigger by = *stopped_by_;
    const bool gone = !still;
    release();
    if (gone) return;
    services_.instruments.enforcement(by.enforcer, "release", "done");
    subject_.report(Severity::kNormal, name_of(Reason::kReleased),
                    actions_.sentence(by, waits ? "memory was freed, and it goes on" : "another program has thawed it"),
                    {{"rule", by.rule}});
  }));
}

void MemoryStop::release() {
  if (stopped_ == Stopped::kNo) return;
  stop_timer_.cancel();
  release_timer_.cancel();
  const bool frozen = stopped_ == Stopped::kFrozen || !waits_in_kernel();
  stopped_ = Stopped::kNo;
  if (frozen) {
    (void)subject_.cgroup().thaw();
    subject_.unguard_freeze();
  }
}

void MemoryStop::release_if_policy_has_gone() {
  if (stopped_ != Stopped::kNo && !policy_still_stops()) release();
}

bool MemoryStop::policy_still_stops() const {
  const auto* const policy = enforcers::in_force(subject_.policy());
  if (policy == nullptr) return false;
  if (stopped_ == Stopped::kHeld) return policy->memory.on_oom == OnOom::kHold;
  const auto& rules = policy->memory.at;
  return std::any_of(rules.begin(), rules.end(),
                     [](const auto& rule) { return rule.action == ThresholdAction::kFreeze; });
}

void MemoryStop::time_is_over() {
  if (stopped_ == Stopped::kNo) return;
  const SpareDescriptors spare;
  if (stopped_ == Stopped::kFrozen) return end_freeze();
  end_hold();
}

void MemoryStop::end_freeze() {
  Trigger trigger = *stopped_by_;
  trigger.woken = std::chrono::steady_clock::now();
  trigger.because += ", and it was not thawed in time";
  // A frozen cgroup2 dies at once, and thaws after: it must not run on in between.
  if (after_freeze_ == AfterFreeze::kKillContainer) (void)actions_.kill(ThresholdAction::kKillContainer, trigger);
  if (after_freeze_ == AfterFreeze::kKillProcess) (void)actions_.kill(ThresholdAction::kKillProcess, trigger);
  release();
  if (after_freeze_ == AfterFreeze::kThaw) actions_.report(trigger, "thaw", Outcome::kDone, "");
}

void MemoryStop::end_hold() {
  const auto* const policy = subject_.policy();
  const OnOom then = policy != nullptr && policy->memory.hold ? policy->memory.hold->then : OnOom::kKillContainer;
  Trigger trigger = *stopped_by_;
  trigger.woken = std::chrono::steady_clock::now();
  trigger.because += ", and no memory was freed in time";
  std::optional<Outcome> killed;
  if (then != OnOom::kRaise || actions_.raise(trigger) == Outcome::kFailed) {
    killed = actions_.kill(
        then == OnOom::kKillProcess ? ThresholdAction::kKillProcess : ThresholdAction::kKillContainer, trigger);
  }
  release();
  if (killed && (waits_in_kernel() || *killed != Outcome::kDone)) {
    refuse_for_a_while();
    leave_it_to_the_kernel();
  }
}

}  // namespace mete::agent
