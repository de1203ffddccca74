// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_watcher.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "agent/base/shared_wakeup.h"
#include "agent/base/spare_descriptors.h"
#include "runtime/cgroup/abilities.h"

namespace mete::agent {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds kIdlePoll = std::chrono::seconds(1);
// An estimate below the first is reported, and may be reported again once it is above the second.
constexpr nanoseconds kNear = std::chrono::seconds(10);
constexpr nanoseconds kFar = std::chrono::seconds(30);
constexpr nanoseconds kNearAgain = std::chrono::minutes(1);
// For kernels without usage thresholds: memory that has grown within kGrowsFor may grow faster at any time, so it is
// polled at least every kGrowingPoll.
constexpr auto kGrowsFor = std::chrono::seconds(2);
constexpr nanoseconds kGrowingPoll = std::chrono::milliseconds(100);
constexpr Bytes kGrown(64 << 10);

}  // namespace

MemoryWatcher::MemoryWatcher(Services& services, Subject& subject, MemoryGauge& gauge, MemoryResponder& responder)
    : services_(services),
      subject_(subject),
      gauge_(gauge),
      responder_(responder),
      pressure_(services, subject, gauge, responder, [this] { poll(std::chrono::steady_clock::now(), true); }),
      timer_(services.loop) {}

void MemoryWatcher::open() {
  grown_at_ = std::chrono::steady_clock::now();
  pressure_.set_rules();
  watch_thresholds();
  pressure_.open();
}

void MemoryWatcher::close() {
  thresholds_.clear();
  pressure_.close();
  timer_.cancel();
  rate_.forget();
  time_to_limit_.reset();
}

void MemoryWatcher::watch_thresholds() {
  thresholds_.clear();
  const auto* const policy = subject_.policy();
  const auto limit = watched_bound_ = gauge_.bound();
  if (policy == nullptr || !limit || !runtime::cgroup::has_usage_thresholds(services_.hierarchies)) return;
  std::set<Bytes> levels;
  for (const auto& rule : policy->memory.at) {
    levels.insert(enforcers::share_of(*limit, rule.usage));
    // On its way down it is armed again, which a short dip would not show to a poll.
    levels.insert(enforcers::share_of(*limit, enforcers::armed_again_below(rule.usage)));
  }
  for (const Bytes level : levels) {
    auto event = subject_.cgroup().usage_eventfd(level);
    if (!event) continue;  // polling by need is enough then
    await_threshold(*thresholds_.emplace_back(std::make_unique<Descriptor>(services_.loop, event->release())));
  }
}

void MemoryWatcher::await_threshold(Descriptor& descriptor) {
  descriptor.async_wait(Descriptor::wait_read, alive_.guard([this, &descriptor] {
    std::uint64_t times = 0;
    (void)!::read(descriptor.native_handle(), &times, sizeof times);
    await_threshold(descriptor);
    poll(std::chrono::steady_clock::now());
  }));
}

void MemoryWatcher::poll(Moment woken) {
  poll(woken, false);
}

void MemoryWatcher::poll(Moment woken, bool by_pressure) {
  const Bytes before = gauge_.usage();
  const auto moment = gauge_.read();
  if (!moment) return;  // the group is gone: close() follows
  if (moment->usage > before + kGrown) grown_at_ = moment->at;
  rate_.see(moment->at, moment->usage);
  if (gauge_.bound() != watched_bound_) watch_thresholds();  // of an ancestor
  estimate_time_to_limit(*moment);
  pressure_.check_memory_high(*moment);
  pressure_.check_notice(*moment, by_pressure);
  poll_later(*moment);
  if (!responder_.is_stopped()) check_rules(*moment, woken);
  // The kernel's notice of memory.high may come late: it is sent when the program returns from the kernel.
  if (const auto level = responder_.tripwire(); level && moment->usage >= *level) responder_.out_of_memory(woken);
}

// The rules may change what they watch (a raised limit): open() is called then, and a poll follows.
void MemoryWatcher::check_rules(const collectors::MemoryMoment& moment, Moment woken) {
  const auto* const policy = subject_.policy();
  const auto limit = gauge_.bound();
  if (policy == nullptr || !limit) return;
  const auto rules = policy->memory.at;
  for (const auto index : latch_.crossed(rules, moment.usage, *limit, moment.at)) {
    const auto& rule = rules[index];
    Trigger trigger;
    trigger.enforcer = "memory";
    trigger.rule = "memory.at[" + std::to_string(index) + "]: usage " + percent_text(rule.usage);
    trigger.because = "memory usage " + std::to_string(moment.usage.count()) + " is at least " +
                      percent_text(rule.usage) + " of the limit " + std::to_string(limit->count());
    trigger.woken = woken;
    trigger.usage = moment.usage;
    trigger.limit = limit;
    const SpareDescriptors spare;
    responder_.act(rule, trigger);
    if (responder_.is_stopped()) return;
  }
  pressure_.check_rules(moment, woken);
}

void MemoryWatcher::estimate_time_to_limit(const collectors::MemoryMoment& moment) {
  const auto limit = gauge_.limit_in_force();
  time_to_limit_ = limit ? enforcers::time_to_limit(moment.usage, *limit, rate_.bytes_per_second()) : std::nullopt;
  if (!time_to_limit_ || *time_to_limit_ > kFar) near_reported_ = false;
  if (!time_to_limit_ || *time_to_limit_ > kNear || near_reported_ ||
      moment.usage < enforcers::share_of(*limit, Ratio(500'000)))
    return;
  near_reported_ = true;
  report_near_limit(moment, *limit);
}

void MemoryWatcher::report_near_limit(const collectors::MemoryMoment& moment, Bytes limit) {
  // Usage that swings comes near again and again.
  if (near_reported_at_ != Moment() && moment.at - near_reported_at_ < kNearAgain) return;
  // Page cache makes room by itself: usage at the limit because of it is no sign of an OOM.
  if (const auto cache = gauge_.page_cache(); !cache || cache->count() > limit.count() / 10) return;
  near_reported_at_ = moment.at;
  const auto rate = static_cast<std::int64_t>(rate_.bytes_per_second());
  subject_.report(Severity::kWarning, name_of(Reason::kNearOOM),
                  "Memory of " + subject_.shown() + " is full in " + seconds_text(*time_to_limit_) +
                      " at the present rate of " + std::to_string(rate) + " bytes a second",
                  {{"usage", std::to_string(moment.usage.count())},
                   {"limit", std::to_string(limit.count())},
                   {"bytes_per_second", std::to_string(rate)},
                   {"seconds", seconds_text(*time_to_limit_)}});
}

void MemoryWatcher::poll_later(const collectors::MemoryMoment& moment) {
  nanoseconds next = kIdlePoll;
  if (const auto limit = gauge_.bound()) {
    const auto tripwire = responder_.tripwire();
    // To the next threshold that it has not reached; on v1 the kernel tells of those.
    Bytes headroom = tripwire.value_or(*limit) - moment.usage;
    const auto* const policy =
        runtime::cgroup::has_usage_thresholds(services_.hierarchies) ? nullptr : subject_.policy();
    if (policy != nullptr) {
      for (const auto& rule : policy->memory.at) {
        const Bytes left = enforcers::share_of(*limit, rule.usage) - moment.usage;
        if (left > Bytes(0)) headroom = std::min(headroom, left);
      }
    }
    next = enforcers::next_look(headroom, rate_.bytes_per_second());
    const bool by_need = policy != nullptr && (!policy->memory.at.empty() || tripwire);
    if (by_need && moment.at - grown_at_ < kGrowsFor) next = std::min(next, kGrowingPoll);
  }
  timer_.expires_at(shared_wakeup(std::chrono::steady_clock::now(), std::min(next, pressure_.next_poll())));
  timer_.async_wait(alive_.guard([this] { poll(std::chrono::steady_clock::now()); }));
}

}  // namespace mete::agent
