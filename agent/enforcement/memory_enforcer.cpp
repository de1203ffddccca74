// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_enforcer.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "agent/base/spare_descriptors.h"
#include "enforcers/oom.h"
#include "runtime/cgroup/text.h"

namespace mete::agent {
namespace {

using std::chrono::nanoseconds;

// Rules about stalled time and refaults: this often, and this often while there is some.
constexpr nanoseconds kIdleLook = std::chrono::seconds(1);
constexpr nanoseconds kBusyLook = std::chrono::milliseconds(50);
// An estimate below the first is told, and may be told again once it is above the second.
constexpr nanoseconds kNear = std::chrono::seconds(10);
constexpr nanoseconds kFar = std::chrono::seconds(30);
constexpr nanoseconds kNearAgain = std::chrono::minutes(1);
// Where the kernel does not tell of thresholds: who has just grown, or begun, may grow again faster than ever.
constexpr auto kGrowsFor = std::chrono::seconds(2);
constexpr nanoseconds kGrowingLook = std::chrono::milliseconds(100);
constexpr Bytes kGrown(64 << 10);
// Limits of ancestors change rarely, and without a policy only an estimate is made of them.
constexpr auto kAboveAgain = std::chrono::seconds(10);
constexpr auto kAboveAgainUnheld = std::chrono::seconds(60);

}  // namespace

MemoryEnforcer::MemoryEnforcer(Enforcement& enforcement, Subject& subject)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      subject_(subject),
      pressure_(services_.loop),
      pressure_timer_(services_.loop),
      look_timer_(services_.loop),
      stop_timer_(services_.loop),
      release_timer_(services_.loop),
      again_timer_(services_.loop) {}

MemoryEnforcer::~MemoryEnforcer() {
  close();
}

std::optional<Bytes> MemoryEnforcer::limit_in_force() {
  const auto now = std::chrono::steady_clock::now();
  if (now - limit_above_read_ >= (subject_.policy() != nullptr ? kAboveAgain : kAboveAgainUnheld)) {
    limit_above_read_ = now;
    const auto above = memory_limit_above(subject_.cgroup());
    limit_above_ = above ? std::optional(above->limit) : std::nullopt;
  }
  const auto own = subject_.memory_limit();
  return own && limit_above_ ? std::min(*own, *limit_above_) : own ? own : limit_above_;
}

std::optional<Bytes> MemoryEnforcer::bound() {
  const auto limit = limit_in_force();
  return limit || services_.machine_memory == Bytes(0) ? limit : services_.machine_memory;
}

std::optional<Bytes> MemoryEnforcer::page_cache() const {
  const auto stat = subject_.cgroup().read("memory", "memory.stat");
  if (!stat) return std::nullopt;
  const bool v1 = services_.hierarchies.on_v1("memory");
  std::uint64_t bytes = 0;
  for (const char* key :
       {v1 ? "total_inactive_file" : "inactive_file", v1 ? "total_active_file" : "active_file", "slab_reclaimable"}) {
    bytes += runtime::cgroup::value_of(*stat, key).value_or(0);
  }
  return Bytes(static_cast<std::int64_t>(bytes));
}

void MemoryEnforcer::open() {
  const auto* const policy = subject_.policy();
  collectors::MemoryProbe::Wanted wanted;
  if (policy != nullptr) {
    wanted.pressure = policy->memory.pressure.has_value() || policy->memory.notify;
    wanted.refaults = policy->memory.thrashing.has_value();
  }
  if (!services_.hierarchies.on_v1("memory")) wanted.pressure = true;  // for see_high()
  auto probe = collectors::MemoryProbe::open(subject_.cgroup(), wanted);
  if (!probe) return;  // gone, or no memory controller: whoever measures tells
  probe_ = std::move(*probe);
  if (!std::exchange(open_, true)) enforcement_.enter(*this);
  grown_at_ = std::chrono::steady_clock::now();
  limit_above_read_ = {};
  killed_until_ = restarted_until_ = refused_until_ = {};
  kernel_decides_ = false;  // who calls this has written what the policy wants
  again_timer_.cancel();
  stalls_ = {};
  refaults_.reset();
  notice_.reset();
  if (policy != nullptr && policy->memory.notify && !subject_.pod_key().empty()) notice_.emplace();
  if (policy != nullptr && policy->memory.pressure) {
    const auto& rule = *policy->memory.pressure;
    if (rule.some) stalls_[0].emplace(rule.over);
    if (rule.full) stalls_[1].emplace(rule.over);
    if (!probe_->has_pressure()) {
      subject_.tell(Severity::kWarning, "NotEnforced",
                    "memory.pressure: this machine has no pressure (PSI) of a cgroup; the rule is not active", {});
    }
  }
  if (wanted.refaults) refaults_.emplace(policy->memory.thrashing->over);
  watch_thresholds();
  watch_pressure();
  if (stopped_ != Stopped::kNo && !policy_still_stops()) let_go();
  look(std::chrono::steady_clock::now());
  // Somebody may wait since before there was anybody to be woken.
  if (stopped_ == Stopped::kNo && subject_.cgroup().under_oom().value_or(false))
    out_of_memory(std::chrono::steady_clock::now());
}

void MemoryEnforcer::close() {
  if (stopped_ != Stopped::kNo) let_go();
  if (std::exchange(open_, false)) enforcement_.leave(*this);
  if (reclaiming_) *reclaiming_ = true;
  probe_.reset();
  thresholds_.clear();
  pressure_.close();
  pressure_timer_.cancel();
  look_timer_.cancel();
  again_timer_.cancel();
  rate_.forget();
  time_to_limit_.reset();
}

void MemoryEnforcer::watch_thresholds() {
  thresholds_.clear();
  const auto* const policy = subject_.policy();
  const auto limit = watched_bound_ = bound();
  if (policy == nullptr || !limit || !services_.hierarchies.on_v1("memory")) return;
  std::set<Bytes> levels;
  for (const auto& rule : policy->memory.at) {
    levels.insert(enforcers::share_of(*limit, rule.usage));
    // On its way down it is armed again, which a short dip would not show to who looks by need.
    levels.insert(enforcers::share_of(*limit, enforcers::armed_again_below(rule.usage)));
  }
  for (const Bytes level : levels) {
    auto event = subject_.cgroup().usage_eventfd(level);
    if (!event) continue;  // looking by need is enough then
    auto& descriptor =
        *thresholds_.emplace_back(std::make_unique<asio::posix::stream_descriptor>(services_.loop, event->release()));
    await(descriptor, asio::posix::stream_descriptor::wait_read, true);
  }
}

void MemoryEnforcer::look(Moment woken) {
  if (!probe_) return;
  const auto moment = probe_->read();
  if (!moment) return;  // the group is gone: close() follows
  if (moment->usage > usage_ + kGrown) grown_at_ = moment->at;
  usage_ = moment->usage;
  history_.see(moment->at, moment->usage);
  rate_.see(moment->at, moment->usage);
  if (bound() != watched_bound_) watch_thresholds();  // of an ancestor
  see_time_to_limit(*moment);
  see_high(*moment);
  see_notice(*moment, woken_by_pressure_);
  look_later(*moment);
  if (stopped_ == Stopped::kNo) look_at(*moment, woken);
  // The kernel's notice of memory.high may come late: it is sent when the program returns from the kernel.
  if (const auto level = tripwire(); level && moment->usage >= *level) out_of_memory(woken);
}

std::optional<Bytes> MemoryEnforcer::tripwire() const {
  const auto limit = subject_.memory_limit();
  if (services_.hierarchies.on_v1("memory") || !limit || kernel_decides_ ||
      !enforcers::decides_before_the_kernel(subject_.policy()))
    return std::nullopt;
  return enforcers::tripwire_of(*limit);
}

// The rules may change what they look at (a raised limit): open() is called then, and looks again.
void MemoryEnforcer::look_at(const collectors::MemoryMoment& moment, Moment woken) {
  const auto* const policy = subject_.policy();
  const auto limit = bound();
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
    const SpareDescriptors spare;
    act(rule, trigger);
    if (stopped_ != Stopped::kNo) return;
  }
  see_pressure(moment, woken);
}

void MemoryEnforcer::see_time_to_limit(const collectors::MemoryMoment& moment) {
  const auto limit = limit_in_force();
  time_to_limit_ = limit ? enforcers::time_to_limit(moment.usage, *limit, rate_.bytes_per_second()) : std::nullopt;
  if (!time_to_limit_ || *time_to_limit_ > kFar) near_told_ = false;
  if (!time_to_limit_ || *time_to_limit_ > kNear || near_told_ ||
      moment.usage < enforcers::share_of(*limit, Ratio(500'000)))
    return;
  near_told_ = true;
  // Usage that swings comes near again and again.
  if (near_told_at_ != Moment() && moment.at - near_told_at_ < kNearAgain) return;
  // Page cache makes room by itself: usage at the limit because of it is no sign of an OOM.
  if (const auto cache = page_cache(); !cache || cache->count() > limit->count() / 10) return;
  near_told_at_ = moment.at;
  const auto rate = static_cast<std::int64_t>(rate_.bytes_per_second());
  subject_.tell(Severity::kWarning, "NearOOM",
                "Memory of " + subject_.shown() + " is full in " + seconds_text(*time_to_limit_) +
                    " at the present rate of " + std::to_string(rate) + " bytes a second",
                {{"usage", std::to_string(moment.usage.count())},
                 {"limit", std::to_string(limit->count())},
                 {"bytes_per_second", std::to_string(rate)},
                 {"seconds", seconds_text(*time_to_limit_)}});
}

void MemoryEnforcer::look_later(const collectors::MemoryMoment& moment) {
  nanoseconds next = kIdleLook;
  if (const auto limit = bound()) {
    // To the next threshold that it has not reached; on v1 the kernel tells of those.
    Bytes headroom = tripwire().value_or(*limit) - moment.usage;
    const auto* const policy = subject_.policy();
    if (policy != nullptr && !services_.hierarchies.on_v1("memory")) {
      for (const auto& rule : policy->memory.at) {
        const Bytes left = enforcers::share_of(*limit, rule.usage) - moment.usage;
        if (left > Bytes(0)) headroom = std::min(headroom, left);
      }
    }
    next = enforcers::next_look(headroom, rate_.bytes_per_second());
    const bool by_need =
        policy != nullptr && !services_.hierarchies.on_v1("memory") && (!policy->memory.at.empty() || tripwire());
    if (by_need && moment.at - grown_at_ < kGrowsFor) next = std::min(next, kGrowingLook);
  }
  for (const auto* window : {&stalls_[0], &stalls_[1], &refaults_}) {
    if (!*window) continue;
    const auto growth = (*window)->last();
    next = std::min(next, !growth || growth->by > 0 ? kBusyLook : kIdleLook);
  }
  if (notice_ && notice_->stalls()) next = std::min(next, kBusyLook);
  look_timer_.expires_after(next);
  look_timer_.async_wait(alive_.guard([this] { look(std::chrono::steady_clock::now()); }));
}

Neighbour MemoryEnforcer::as_neighbour() const {
  return {subject_.shown(), usage_, subject_.memory_limit()};
}

}  // namespace mete::agent
