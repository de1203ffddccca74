// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/pressure_watcher.h"

#include <unistd.h>

#include <algorithm>

#include "agent/base/spare_descriptors.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/abilities.h"
#include "runtime/cgroup/memory/memory.h"

namespace mete::agent {
namespace {

using std::chrono::nanoseconds;

// Rules about stalled time and refaults: this often, and this often while there is some.
constexpr nanoseconds kIdleRead = std::chrono::seconds(1);
constexpr nanoseconds kBusyPoll = std::chrono::milliseconds(50);
// v1's memory.pressure_level fires by the thousand: it is awaited again after this.
constexpr auto kPressurePause = std::chrono::milliseconds(100);
constexpr auto kPollHigh = std::chrono::seconds(1);

}  // namespace

std::string percent_text(Ratio share) {
  std::string text = std::to_string(share.count() / 10'000);
  if (share.count() % 10'000 != 0) text += "." + std::to_string(share.count() % 10'000 / 100);
  return text + "%";
}

std::string seconds_text(nanoseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3gs", std::chrono::duration<double>(time).count());
  return text;
}

PressureWatcher::PressureWatcher(Services& services, Subject& subject, MemoryGauge& gauge, MemoryResponder& responder,
                                 std::function<void()> woken)
    : services_(services), subject_(subject), gauge_(gauge), responder_(responder), woken_(std::move(woken)) {}

void PressureWatcher::set_rules() {
  const auto* const policy = subject_.policy();
  if (rules_ == nullptr && policy == nullptr) return;
  if (rules_ == nullptr) rules_ = std::make_unique<Rules>(services_.loop);
  rules_->stalls = {};
  rules_->refaults.reset();
  rules_->notice.reset();
  if (policy == nullptr) return;
  if (policy->memory.notify && !subject_.pod_key().empty()) rules_->notice.emplace();
  if (policy->memory.thrashing) rules_->refaults.emplace(policy->memory.thrashing->over);
  if (!policy->memory.pressure) return;
  const auto& rule = *policy->memory.pressure;
  if (rule.some) rules_->stalls[0].emplace(rule.over);
  if (rule.full) rules_->stalls[1].emplace(rule.over);
  if (!gauge_.has_pressure()) {
    subject_.report(Severity::kWarning, name_of(Reason::kNotEnforced),
                    "memory.pressure: this machine has no pressure (PSI) of a cgroup; the rule is not active", {});
  }
}

void PressureWatcher::open() {
  close();
  const auto* const policy = subject_.policy();
  if (policy == nullptr || (!policy->memory.pressure && !policy->memory.thrashing && !policy->memory.notify)) return;
  if (rules_ == nullptr) rules_ = std::make_unique<Rules>(services_.loop);
  if (open_psi_trigger(*policy)) return await_event(Descriptor::wait_error);
  if (auto event = subject_.cgroup().pressure_eventfd("medium")) {
    rules_->event.assign(event->release());
    await_event(Descriptor::wait_read);
  }
}

void PressureWatcher::close() {
  if (rules_ == nullptr) return;
  rules_->event.close();
  rules_->pause.cancel();
}

bool PressureWatcher::open_psi_trigger(const config::Policy& policy) {
  constexpr std::chrono::microseconds kWindow(500'000);
  if (!policy.memory.pressure && !policy.memory.notify) return false;
  const auto rule = policy.memory.pressure.value_or(config::MemoryPressure{.some = enforcers::kNoticeShare});
  const Ratio share = rule.full.value_or(rule.some.value_or(Ratio(1'000'000)));
  const std::chrono::microseconds stall(std::max<std::int64_t>(kWindow.count() * share.count() / 2'000'000, 1));
  auto trigger = runtime::cgroup::memory_pressure_trigger(subject_.cgroup(), {rule.full.has_value(), stall, kWindow});
  if (!trigger) return false;
  rules_->event.assign(trigger->release());
  return true;
}

void PressureWatcher::await_event(Descriptor::wait_type kind) {
  rules_->event.async_wait(kind, rules_->alive.guard([this, kind] {
    if (kind == Descriptor::wait_read) {
      std::uint64_t times = 0;
      (void)!::read(rules_->event.native_handle(), &times, sizeof times);
    }
    rules_->pause.expires_after(kPressurePause);
    rules_->pause.async_wait(rules_->alive.guard([this, kind] {
      if (rules_->event.is_open()) await_event(kind);
    }));
    woken_();
  }));
}

bool PressureWatcher::fires(std::size_t which, Moment at, nanoseconds over) {
  if (at - rules_->fired[which] < over) return false;
  rules_->fired[which] = at;
  return true;
}

void PressureWatcher::check_rules(const collectors::MemoryMoment& moment, Moment woken) {
  const SpareDescriptors spare;
  const auto* const policy = subject_.policy();
  if (policy == nullptr || rules_ == nullptr) return;
  if (policy->memory.pressure && check_stalls(*policy->memory.pressure, moment, woken)) return;
  if (policy->memory.thrashing) check_refaults(*policy->memory.thrashing, moment, woken);
}

bool PressureWatcher::check_stalls(const config::MemoryPressure& of_policy, const collectors::MemoryMoment& moment,
                                   Moment woken) {
  const auto rule = of_policy;  // which the action may replace
  const auto totals = std::array{moment.pressure.some, moment.pressure.full};
  for (std::size_t i = 0; i < rules_->stalls.size(); ++i) {
    if (!rules_->stalls[i] || !totals[i]) continue;
    rules_->stalls[i]->see(moment.at, static_cast<std::uint64_t>(totals[i]->count()));
    const Ratio share = *(i == 0 ? rule.some : rule.full);
    const auto growth = rules_->stalls[i]->growth();
    if (!growth || !enforcers::stalls(*growth, share) || !fires(i, moment.at, rule.over)) continue;
    const std::string kind = i == 0 ? "some" : "full";
    Trigger trigger;
    trigger.enforcer = "pressure";
    trigger.rule = "memory.pressure: " + kind + " " + percent_text(share) + " for " + seconds_text(rule.over);
    trigger.because = "it waited for memory (" + kind + ") for " + seconds_text(nanoseconds(growth->by)) +
                      " of the last " + seconds_text(growth->in);
    trigger.woken = woken;
    trigger.usage = moment.usage;
    responder_.act(rule.action, trigger);
    return true;
  }
  return false;
}

void PressureWatcher::check_refaults(const config::MemoryThrashing& of_policy, const collectors::MemoryMoment& moment,
                                     Moment woken) {
  if (!rules_->refaults || !moment.refaults) return;
  const auto rule = of_policy;
  rules_->refaults->see(moment.at, *moment.refaults);
  const auto growth = rules_->refaults->growth();
  const auto limit = gauge_.bound();
  const Bytes page(::sysconf(_SC_PAGESIZE));
  if (!growth || !limit || !enforcers::thrashes(*growth, page, rule.refaults, *limit) ||
      !fires(2, moment.at, rule.over))
    return;
  Trigger trigger;
  trigger.enforcer = "thrashing";
  trigger.rule = "memory.thrashing: refaults " + percent_text(rule.refaults) + " for " + seconds_text(rule.over);
  trigger.because = "it read " + std::to_string(static_cast<std::int64_t>(growth->by) * page.count()) +
                    " bytes again within " + seconds_text(growth->in) + ", with a limit of " +
                    std::to_string(limit->count());
  trigger.woken = woken;
  trigger.usage = moment.usage;
  trigger.limit = limit;
  responder_.act(rule.action, trigger);
}

// A person or another program has set memory.high and left the group to crawl: that never ends by itself, and the
// kernel reports it to no one.
void PressureWatcher::check_memory_high(const collectors::MemoryMoment& moment) {
  if (!runtime::cgroup::has_memory_high(services_.hierarchies) || moment.at - high_polled_at_ < kPollHigh) return;
  high_polled_at_ = moment.at;
  const auto high = runtime::cgroup::memory_high(subject_.cgroup());
  // There it is a tripwire of mete's own, which acts at once.
  if (!high || enforcers::decides_before_the_kernel(subject_.policy())) return stuck_.forget();
  const auto stalled = stalled_at(*high, moment);
  if (!stalled) return stuck_.forget();
  if (!stuck_.see(moment.at, moment.usage, *high, *stalled)) return;
  stuck_.forget();
  const SpareDescriptors spare;
  Trigger trigger;
  trigger.enforcer = "memory";
  trigger.rule = std::string(runtime::cgroup::kMemoryHigh) + ": stuck for " + seconds_text(enforcers::kStuckFor);
  trigger.because = "all of it waits for memory at its " + std::string(runtime::cgroup::kMemoryHigh) + " of " +
                    std::to_string(high->count()) + " bytes";
  trigger.woken = moment.at;
  responder_.stuck_at_memory_high(trigger);
}

// Two files more, where this machine has no PSI.
std::optional<std::uint64_t> PressureWatcher::stalled_at(Bytes high, const collectors::MemoryMoment& moment) const {
  if (moment.pressure.full) return static_cast<std::uint64_t>(moment.pressure.full->count());
  const auto times = runtime::cgroup::times_above_memory_high(subject_.cgroup());
  const auto reclaimable = gauge_.page_cache();
  return times && reclaimable ? enforcers::stalled_at_high(*times, *reclaimable, high) : std::nullopt;
}

void PressureWatcher::check_notice(const collectors::MemoryMoment& moment, bool by_kernel) {
  if (rules_ == nullptr || !rules_->notice) return;
  auto& notice = *rules_->notice;
  const auto& stalled = moment.pressure.some;
  const bool due = stalled ? notice.due(moment.at, static_cast<std::uint64_t>(stalled->count()))
                           : by_kernel && notice.due(moment.at);
  if (due) responder_.pressure_is_due(notice.is_news(), moment.usage);
}

nanoseconds PressureWatcher::next_poll() const {
  nanoseconds next = kIdleRead;
  if (rules_ == nullptr) return next;
  for (const auto* window : {&rules_->stalls[0], &rules_->stalls[1], &rules_->refaults}) {
    if (!*window) continue;
    const auto growth = (*window)->last();
    if (!growth || growth->by > 0) next = kBusyPoll;
  }
  return rules_->notice && rules_->notice->stalls() ? kBusyPoll : next;
}

}  // namespace mete::agent
