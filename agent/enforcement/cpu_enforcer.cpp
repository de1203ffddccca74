// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/cpu_enforcer.h"

#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/policy_executor.h"
#include "config/model/objects.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/cpu.h"

namespace mete::agent {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);

std::string cores_text(std::chrono::microseconds quota, std::chrono::microseconds period) {
  const auto milli = quota.count() * 1000 / std::max<std::int64_t>(period.count(), 1);
  return std::to_string(milli) + "m";
}

std::optional<enforcers::CpuMoment> read_moment(const runtime::cgroup::Group& group) {
  const auto counters = runtime::cgroup::cpu_counters(group);
  if (!counters) return std::nullopt;
  enforcers::CpuMoment moment;
  moment.at = std::chrono::steady_clock::now();
  moment.periods = counters->periods;
  moment.throttled = counters->throttled;
  moment.usage = counters->usage;
  return moment;
}

}  // namespace

void CpuEnforcer::open() {
  const auto* const policy = subject_.policy();
  const auto own = subject_.own_cpu();
  const bool wanted = policy != nullptr && policy->cpu.boost && own && !own->quota.is_unlimited();
  const auto rule = wanted && enforcers::in_force(policy) != nullptr ? policy->cpu.boost : std::nullopt;
  if (state_ == nullptr && !wanted) return;
  if (state_ == nullptr) state_ = std::make_unique<State>(enforcement_.services().loop);
  const bool changed = std::exchange(state_->rule, rule) != rule;
  // Lent by a rule that is not there any more, or is another one.
  if (changed && subject_.lent_quota()) (void)subject_.lend_quota(std::nullopt);
  if (!wanted) return close();
  if (std::exchange(state_->open, true) && !changed) return;
  state_->booster = {};
  state_->pretended = {};
  poll_later();
}

void CpuEnforcer::close() {
  if (state_ == nullptr) return;
  state_->open = false;
  state_->timer.cancel();
}

void CpuEnforcer::poll_later() {
  state_->timer.expires_after(kEvery);
  state_->timer.async_wait(state_->alive.guard([this] {
    if (!state_->open) return;
    poll();
    if (state_->open) poll_later();
  }));
}

void CpuEnforcer::poll() {
  const auto* const policy = subject_.policy();
  const auto own = subject_.own_cpu();
  if (policy == nullptr || !policy->cpu.boost || !own || own->quota.is_unlimited()) return;
  const auto idle = enforcement_.idle_cpu().cores();
  const auto moment = read_moment(subject_.cgroup());
  if (!moment || !idle) return;
  state_->booster.see(*moment, policy->cpu.boost->over);
  const auto base = own->quota.value();
  const auto quota = std::max(subject_.lent_quota().value_or(base), state_->pretended);
  const auto decision = state_->booster.decide(*policy->cpu.boost,
                                               {.base = base,
                                                .quota = quota,
                                                .period = own->period,
                                                .idle_cores = *idle,
                                                .cpus = static_cast<double>(IdleCpu::cpus())},
                                               moment->at);
  if (decision) change(*decision, *own);
}

void CpuEnforcer::change(const enforcers::BoostDecision& decision, const runtime::cgroup::CpuBandwidth& own) {
  auto& executor = executor_of(subject_);
  const auto base = own.quota.value();
  const bool up = decision.quota > base;
  const Status done = executor.lend_quota(subject_, up ? std::optional(decision.quota) : std::nullopt);
  const Outcome result = executor.outcome_of(done);
  state_->pretended = result == Outcome::kDryRun ? decision.quota : std::chrono::microseconds(0);
  const std::string action = up ? "boost" : "boost-end";
  const std::string outcome(to_string(result));
  enforcement_.services().instruments.enforcement("cpu", action, outcome);
  std::string message = "CPU limit of " + subject_.shown() + (up ? " lent " : " back to ") +
                        cores_text(decision.quota, own.period) + " (its own: " + cores_text(base, own.period) +
                        "): " + decision.because + "; " + outcome;
  if (!done) message += ": " + done.error().what;
  subject_.report(done ? Severity::kNormal : Severity::kWarning,
                  up ? name_of(Reason::kCpuBoosted) : name_of(Reason::kCpuBoostEnded), std::move(message),
                  {{"quota", std::to_string(decision.quota.count())},
                   {"own", std::to_string(base.count())},
                   {"outcome", outcome},
                   {"policy", config::full_name(subject_.policy()->metadata)}});
}

}  // namespace mete::agent
