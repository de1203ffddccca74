// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_enforcer.h"

#include <algorithm>

#include "agent/base/spare_descriptors.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"

namespace mete::agent {

namespace {

// After a raise: how often the processes that it has freed are looked at, and for how long they may still be blocked.
constexpr auto kLookAgain = std::chrono::milliseconds(20);
constexpr auto kMostPatience = std::chrono::seconds(1);

}  // namespace

using config::OnOom;
using config::ThresholdAction;

MemoryEnforcer::MemoryEnforcer(Enforcement& enforcement, Subject& subject)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      subject_(subject),
      gauge_(services_, subject),
      watcher_(services_, subject, gauge_, *this) {}

MemoryEnforcer::Response::Response(MemoryEnforcer& of)
    : actions(of.enforcement_, of.subject_, of.gauge_, of),
      stop(of.services_, of.subject_, of.gauge_, actions),
      retry_timer(of.services_.loop) {}

MemoryEnforcer::Response& MemoryEnforcer::response() {
  if (response_ == nullptr) response_ = std::make_unique<Response>(*this);
  return *response_;
}

MemoryEnforcer::~MemoryEnforcer() {
  close();
}

void MemoryEnforcer::open() {
  const auto* const policy = subject_.policy();
  collectors::MemoryProbe::Wanted wanted;
  if (policy != nullptr) {
    wanted.pressure = policy->memory.pressure.has_value() || policy->memory.notify;
    wanted.refaults = policy->memory.thrashing.has_value();
  }
  if (runtime::cgroup::has_memory_high(services_.hierarchies)) wanted.pressure = true;  // see stuck_at_memory_high()
  if (!gauge_.open(wanted)) return;  // gone, or no memory controller: the collectors report that
  if (!std::exchange(open_, true)) enforcement_.enter(*this);
  if (policy != nullptr) (void)response();
  if (response_ != nullptr) {
    response_->actions.reset();
    response_->stop.reset();
  }
  watcher_.open();
  if (response_ != nullptr) response_->stop.release_if_policy_has_gone();
  watcher_.poll(std::chrono::steady_clock::now());
  // A process may have been blocked since before this watch began.
  if (!is_stopped() && subject_.cgroup().under_oom().value_or(false)) out_of_memory(std::chrono::steady_clock::now());
}

void MemoryEnforcer::close() {
  if (response_ != nullptr) response_->stop.release();
  if (std::exchange(open_, false)) enforcement_.leave(*this);
  if (response_ != nullptr) response_->actions.stop_reclaiming();
  gauge_.close();
  watcher_.close();
  if (response_ != nullptr) response_->stop.stop_waiting();
}

std::optional<Bytes> MemoryEnforcer::tripwire() const {
  const auto limit = subject_.memory_limit();
  if (!runtime::cgroup::has_memory_high(services_.hierarchies) || !limit ||
      (response_ != nullptr && response_->stop.kernel_decides()) ||
      !enforcers::decides_before_the_kernel(subject_.policy()))
    return std::nullopt;
  return enforcers::tripwire_of(*limit);
}

// A dry run leaves the kernel to kill: on v1 what it would have done is told by its wake-up.
bool MemoryEnforcer::is_out_of_memory(const collectors::MemoryMoment& moment, Bytes limit) const {
  if (runtime::cgroup::can_wait_out_of_memory(services_.hierarchies))
    return response_->actions.executor().waits_at_limit(subject_);
  return enforcers::out_of_memory_at(moment.usage, gauge_.page_cache().value_or(moment.usage), limit);
}

// Where the machine has no time for them, the processes that a raise has freed are blocked for a while still, far below
// the new limit. After a second they are taken at their word.
bool MemoryEnforcer::is_waking(const collectors::MemoryMoment& moment, Bytes limit, Moment now) const {
  return now < response_->actions.raised_until() + kMostPatience && moment.usage < enforcers::tripwire_of(limit);
}

void MemoryEnforcer::retry_at(Moment at) {
  response_->retry_timer.expires_at(at);
  response_->retry_timer.async_wait(
      response_->alive.guard([this] { out_of_memory(std::chrono::steady_clock::now()); }));
}

void MemoryEnforcer::out_of_memory(Moment woken) {
  const auto* const policy = subject_.policy();
  if (policy == nullptr || !policy->memory.on_oom || !gauge_.is_open()) return;
  auto& actions = response().actions;
  auto& stop = response().stop;
  if (stop.is_stopped() || stop.kernel_decides()) return;
  const bool hold_wanted = *policy->memory.on_oom == OnOom::kHold;
  if (!hold_wanted && *policy->memory.on_oom != OnOom::kRaise) return;
  if (const Moment until = std::max(actions.raised_until(), stop.refused_until()); woken < until) {
    // Blocked processes have not yet taken the memory of the last raise. If it is not enough, they will still be
    // blocked later.
    return retry_at(until);
  }
  const SpareDescriptors spare;
  const auto limit = subject_.memory_limit();
  const auto moment = gauge_.read();
  if (!moment || !limit) return;
  const bool waits = runtime::cgroup::can_wait_out_of_memory(services_.hierarchies);
  if (!waits) {
    // Usage may have passed a threshold and reached memory.high between two polls: the rule of the threshold acts
    // first.
    watcher_.check_rules(*moment, woken);
    if (!gauge_.is_open() || stop.is_stopped() || woken < std::max(actions.raised_until(), actions.killed_until()))
      return;
  }
  if (!is_out_of_memory(*moment, *limit)) return;
  if (waits && is_waking(*moment, *limit, woken)) return retry_at(woken + kLookAgain);
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = std::string("memory.onOOM: ") + (hold_wanted ? "hold" : "raise");
  trigger.because = "it needs more than its limit of " + std::to_string(limit->count()) + " bytes";
  trigger.woken = woken;
  trigger.usage = moment->usage;
  trigger.limit = limit;
  if (hold_wanted) return stop.hold(trigger);
  const Outcome raised = actions.raise(trigger);
  if (raised == Outcome::kDone) return;
  stop.refuse_for_a_while();
  if (raised == Outcome::kFailed && (actions.kill(ThresholdAction::kKillContainer, trigger) != Outcome::kDone || waits))
    stop.leave_it_to_the_kernel();
}

void MemoryEnforcer::act(const config::MemoryThreshold& rule, const Trigger& trigger) {
  switch (rule.action) {
    case ThresholdAction::kSignal:
      return response().actions.signal(rule.signal, trigger);
    case ThresholdAction::kExec:
      return response().actions.exec(rule, trigger);
    case ThresholdAction::kFreeze:
      return response().stop.freeze(rule, trigger);
    case ThresholdAction::kReclaim:
      return response().actions.reclaim_below(rule.usage, trigger);
    case ThresholdAction::kRaise:
    case ThresholdAction::kRestart:
    case ThresholdAction::kKillContainer:
    case ThresholdAction::kKillProcess:
      return act(rule.action, trigger);
  }
}

void MemoryEnforcer::act(ThresholdAction action, const Trigger& trigger) {
  switch (action) {
    case ThresholdAction::kReclaim:
      return response().actions.reclaim_some(trigger);
    case ThresholdAction::kRaise:
      (void)response().actions.raise(trigger);
      return;
    case ThresholdAction::kRestart:
      return response().actions.restart(trigger);
    case ThresholdAction::kKillContainer:
    case ThresholdAction::kKillProcess:
      (void)response().actions.kill(action, trigger);
      return;
    case ThresholdAction::kSignal:
    case ThresholdAction::kExec:
    case ThresholdAction::kFreeze:
      return;  // they have fields of their own: only a threshold can ask for them
  }
}

Neighbour MemoryEnforcer::as_neighbour() const {
  return {subject_.shown(), gauge_.usage(), subject_.memory_limit()};
}

}  // namespace mete::agent
