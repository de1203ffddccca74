// SPDX-License-Identifier: Apache-2.0
// Memory pressure and thrashing: what wakes for them, which rules fire, and telling the container itself.
#include <unistd.h>

#include <algorithm>

#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/memory_enforcer.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/psi_trigger.h"
#include "runtime/cgroup/text.h"

namespace mete::agent {
namespace {

using std::chrono::nanoseconds;

// v1's memory.pressure_level fires by the thousand: it is listened to again after this.
constexpr auto kPressurePause = std::chrono::milliseconds(100);
constexpr auto kHighLook = std::chrono::seconds(1);

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

// Both ways only say that it is worth looking; what decides are the totals.
void MemoryEnforcer::watch_pressure() {
  pressure_.close();
  pressure_timer_.cancel();
  const auto* const policy = subject_.policy();
  if (policy == nullptr || (!policy->memory.pressure && !policy->memory.thrashing && !policy->memory.notify)) return;
  const std::string unified = subject_.cgroup().unified_directory();
  if ((policy->memory.pressure || policy->memory.notify) && !unified.empty()) {
    constexpr std::chrono::microseconds kWindow(500'000);
    const auto rule = policy->memory.pressure.value_or(config::MemoryPressure{.some = enforcers::kNoticeShare});
    const Ratio share = rule.full.value_or(rule.some.value_or(Ratio(1'000'000)));
    const std::chrono::microseconds stall(std::max<std::int64_t>(kWindow.count() * share.count() / 2'000'000, 1));
    if (auto trigger =
            runtime::cgroup::open_psi_trigger(unified + "/memory.pressure", {rule.full.has_value(), stall, kWindow})) {
      pressure_.assign(trigger->release());
      await(pressure_, asio::posix::stream_descriptor::wait_error, false);
      return;
    }
  }
  if (auto event = subject_.cgroup().pressure_eventfd("medium")) {
    pressure_.assign(event->release());
    await(pressure_, asio::posix::stream_descriptor::wait_read, true);
  }
}

void MemoryEnforcer::await(asio::posix::stream_descriptor& descriptor, asio::posix::stream_descriptor::wait_type kind,
                           bool drain) {
  descriptor.async_wait(kind, alive_.guard([this, &descriptor, kind, drain] {
    if (drain) {
      std::uint64_t times = 0;
      (void)!::read(descriptor.native_handle(), &times, sizeof times);
    }
    if (&descriptor != &pressure_) {
      await(descriptor, kind, drain);
    } else {
      pressure_timer_.expires_after(kPressurePause);
      pressure_timer_.async_wait(alive_.guard([this, kind, drain] {
        if (pressure_.is_open()) await(pressure_, kind, drain);
      }));
    }
    const auto now = std::chrono::steady_clock::now();
    woken_by_pressure_ = &descriptor == &pressure_;
    look(now);
    woken_by_pressure_ = false;
  }));
}

void MemoryEnforcer::see_pressure(const collectors::MemoryMoment& moment, Moment woken) {
  const SpareDescriptors spare;
  const auto* const policy = subject_.policy();
  if (policy == nullptr) return;
  const auto fires = [&](std::size_t which, nanoseconds over) {
    if (moment.at - fired_[which] < over) return false;
    fired_[which] = moment.at;
    return true;
  };
  const auto totals = std::array{moment.pressure.some, moment.pressure.full};
  for (std::size_t i = 0; i < stalls_.size() && policy->memory.pressure; ++i) {
    if (!stalls_[i] || !totals[i]) continue;
    stalls_[i]->see(moment.at, static_cast<std::uint64_t>(totals[i]->count()));
    const auto rule = *policy->memory.pressure;
    const Ratio share = *(i == 0 ? rule.some : rule.full);
    const auto growth = stalls_[i]->growth();
    if (!growth || !enforcers::stalls(*growth, share) || !fires(i, rule.over)) continue;
    const std::string kind = i == 0 ? "some" : "full";
    Trigger trigger;
    trigger.enforcer = "pressure";
    trigger.rule = "memory.pressure: " + kind + " " + percent_text(share) + " for " + seconds_text(rule.over);
    trigger.because = "it waited for memory (" + kind + ") for " + seconds_text(nanoseconds(growth->by)) +
                      " of the last " + seconds_text(growth->in);
    trigger.woken = woken;
    act(rule.action, trigger);
    return;
  }
  if (!refaults_ || !moment.refaults || !policy->memory.thrashing) return;
  refaults_->see(moment.at, *moment.refaults);
  const auto rule = *policy->memory.thrashing;
  const auto growth = refaults_->growth();
  const auto limit = bound();
  const Bytes page(::sysconf(_SC_PAGESIZE));
  if (!growth || !limit || !enforcers::thrashes(*growth, page, rule.refaults, *limit) || !fires(2, rule.over)) return;
  Trigger trigger;
  trigger.enforcer = "thrashing";
  trigger.rule = "memory.thrashing: refaults " + percent_text(rule.refaults) + " for " + seconds_text(rule.over);
  trigger.because = "it read " + std::to_string(static_cast<std::int64_t>(growth->by) * page.count()) +
                    " bytes again within " + seconds_text(growth->in) + ", with a limit of " +
                    std::to_string(limit->count());
  trigger.woken = woken;
  act(rule.action, trigger);
}

// Who put it there, a person or another program, has left it to crawl: it never ends by itself, and nobody is told.
void MemoryEnforcer::see_high(const collectors::MemoryMoment& moment) {
  if (services_.hierarchies.on_v1("memory") || moment.at - high_looked_at_ < kHighLook) return;
  high_looked_at_ = moment.at;
  const auto text = subject_.cgroup().read("memory", "memory.high");
  const auto high = text ? runtime::cgroup::parse_u64(runtime::cgroup::trim(*text)) : std::nullopt;  // "max": none
  // There it is a tripwire of mete's own, which acts at once.
  if (!high || !moment.pressure.full || enforcers::decides_before_the_kernel(subject_.policy())) return stuck_.forget();
  const Bytes level(static_cast<std::int64_t>(*high));
  if (!stuck_.see(moment.at, moment.usage, level, static_cast<std::uint64_t>(moment.pressure.full->count()))) return;
  stuck_.forget();
  const SpareDescriptors spare;
  Trigger trigger;
  trigger.enforcer = "memory";
  trigger.rule = "memory.high: stuck for " + seconds_text(enforcers::kStuckFor);
  trigger.because = "all of it waits for memory at its memory.high of " + std::to_string(*high) + " bytes";
  trigger.woken = moment.at;
  auto told_of = incident(trigger);
  const Status done = dry_run() ? Status() : subject_.lift_memory_high();
  const Outcome outcome = dry_run() ? Outcome::kDryRun : done ? Outcome::kDone : Outcome::kFailed;
  told_of.step("memory.high lifted");
  told_of.finish(outcome, "lift-high", "StuckAtHigh",
                 "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because +
                     "; its memory.high is lifted: " + std::string(to_string(outcome)),
                 done ? "" : done.error().what);
}

// v1 without PSI knows only that the kernel reclaims; `woken` by that is all there is then.
void MemoryEnforcer::see_notice(const collectors::MemoryMoment& moment, bool by_kernel) {
  if (!notice_) return;
  const auto& stalled = moment.pressure.some;
  const bool due = stalled ? notice_->due(moment.at, static_cast<std::uint64_t>(stalled->count()))
                           : by_kernel && notice_->due(moment.at);
  if (!due) return;
  const Status told = dry_run() ? Status() : subject_.notify_pressure();
  const std::string outcome = dry_run() ? "dry-run" : told ? "done" : "failed";
  services_.instruments.enforcement("pressure", "notify", outcome);
  if (!notice_->is_news()) return;
  subject_.tell(told ? Severity::kNormal : Severity::kWarning, "PressureNotified",
                "Memory pressure in " + subject_.shown() + " is told to it (memory.notify): " + outcome +
                    (told ? "" : ": " + told.error().what),
                {{"action", "notify"}, {"outcome", outcome}, {"usage", std::to_string(moment.usage.count())}});
}

}  // namespace mete::agent
