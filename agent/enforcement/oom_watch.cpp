// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/oom_watch.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/base/shared_wakeup.h"
#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/enforcement/policy_executor.h"
#include "runtime/cgroup/memory/oom.h"

namespace mete::agent {
namespace {

constexpr std::size_t kProcessesSeen = 128;  // what is remembered of a moment ago included
constexpr auto kSnapshotEvery = std::chrono::milliseconds(100);
// On v1 the wake-up comes before the kill, 2 to 3 ms as a rule: so for 5 ms the counter is polled often. On v2 they
// come together, and again and again while a group stays at its limit.
constexpr auto kFirstPoll = std::chrono::microseconds(500);
constexpr int kPollsInARow = 10;
constexpr int kPolls = kPollsInARow + 13;  // doubling: the last after about 4 s
// On v2 the wake-ups of one kill are up to 10 ms apart, and at a later one the victim has no command line any more.
constexpr auto kRememberVictim = std::chrono::seconds(1);
// A group is killed process by process, which takes as long as the console is slow.
constexpr auto kGroupDies = std::chrono::seconds(1);
// The kernel counts the first victim of a group some microseconds before the group.
constexpr auto kSettles = std::chrono::microseconds(1400);
// For a group in which the kernel finds no process that it may kill: how often it is polled, and (v1) how often it may
// wake the watch.
constexpr auto kPollStuck = std::chrono::seconds(1);
constexpr auto kWakeStuck = std::chrono::milliseconds(100);
// v1: how often groups below are polled, which cause no wake-up.
constexpr auto kPollBelow = std::chrono::seconds(1);

}  // namespace

OomWatch::OomWatch(Enforcement& enforcement, Subject& subject, OomAccount& account, MemoryEnforcer& enforcer)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      subject_(subject),
      account_(account),
      enforcer_(enforcer),
      event_(services_.loop),
      timer_(services_.loop),
      below_timer_(services_.loop),
      pause_timer_(services_.loop) {}

void OomWatch::open(bool told_of_groups) {
  event_.close();
  below_timer_.cancel();
  pause_timer_.cancel();
  without_victim_.forget();
  auto event = subject_.cgroup().oom_eventfd();
  if (event) {
    event_.assign(event->release());
    await_event();
  } else if (!runtime::cgroup::events_are_local()) {
    return;  // memory is on v2
  }
  polls_below_ = true;
  told_of_groups_ = told_of_groups;
  below_scheduled_ = false;
  poll_below_later();
}

void OomWatch::group_made() {
  poll_below_later();
}

void OomWatch::poll_below_later() {
  if (!polls_below_ || std::exchange(below_scheduled_, true)) return;
  below_timer_.expires_at(shared_wakeup(std::chrono::steady_clock::now(), kPollBelow));
  below_timer_.async_wait(alive_.guard([this] {
    below_scheduled_ = false;
    const bool groups = runtime::cgroup::has_groups_below(subject_.cgroup());
    if (groups) poll();
    if (groups || !told_of_groups_) poll_below_later();
  }));
}

void OomWatch::close() {
  event_.close();
  polls_below_ = false;
  below_timer_.cancel();
  pause_timer_.cancel();
  stop_polling();
}

void OomWatch::stop_polling() {
  timer_.cancel();
}

void OomWatch::await_event() {
  event_.async_wait(Descriptor::wait_read, alive_.guard([this] { woken(); }));
}

void OomWatch::woken() {
  const auto now = std::chrono::steady_clock::now();
  const bool stuck = without_victim_.holds(now);
  if (event_.is_open()) {
    std::uint64_t times = 0;
    (void)!::read(event_.native_handle(), &times, sizeof times);
    if (stuck) {
      pause_timer_.expires_after(kWakeStuck);
      pause_timer_.async_wait(alive_.guard([this] { await_event(); }));
    } else {
      await_event();
    }
  }
  const SpareDescriptors spare;
  woken_at_ = now;
  if (stuck && now - snapshot_at_ < kPollStuck) return poll();
  if (event_.is_open()) kernel_woke_at_ = now;
  // On v2 a group at its limit wakes 100 times a second without a kill. The counter is compared each time; the
  // processes were read a moment ago.
  if (event_.is_open() || now - snapshot_at_ >= kSnapshotEvery) {
    snapshot_at_ = now;
    take_snapshot();
  }
  if (event_.is_open()) note_no_kill(std::nullopt);
  polls_left_ = kPolls;
  if (!event_.is_open()) polls_left_ -= kPollsInARow;
  poll_later(kFirstPoll);
  poll();
  enforcer_.out_of_memory(now);
}

void OomWatch::killed_in_log(const KernelKill& kill) {
  if (reading_log_) return poll_again();  // for a kill that is being told, or for one that came after the counters
  if (polls_left_ <= 0) woken_at_ = std::chrono::steady_clock::now();
  poll_again();
  poll();
  // v1: the counter of a group below went with the group.
  const auto* const known = account_.known();
  const auto below = runtime::cgroup::Group::at(services_.hierarchies, kill.task_memcg);
  const bool lost = event_.is_open() && kill.task_memcg != subject_.cgroup().path() && below && !below->exists();
  if (known == nullptr || !lost || !services_.kernel_log.take(kill.task_memcg, {})) return;
  if (reported_unlogged_ > 0) return void(--reported_unlogged_);
  snapshot_if_none();
  Kill found{{runtime::cgroup::OomPlace::kUnknown, false, kill.task_memcg}, kill, {}};
  found.scope = scope_of_kill(found);
  report_kills({found}, runtime::cgroup::OomCounters(*known), std::nullopt);
}

void OomWatch::poll_later(std::chrono::microseconds delay) {
  if (polls_left_-- <= 0) return;
  timer_.expires_after(delay);
  timer_.async_wait(alive_.guard([this, delay] {
    poll();
    poll_later(polls_left_ > kPolls - kPollsInARow ? delay : delay * 2);
  }));
}

void OomWatch::poll(Unsettled unsettled) {
  const SpareDescriptors spare;
  const auto* const known = account_.known();
  if (known == nullptr) return;
  const auto& group = subject_.cgroup();
  auto counters = runtime::cgroup::read_oom_counters(group);
  if (!counters) return;
  if (!runtime::cgroup::has_new_kills(*known, *counters)) {
    if (!event_.is_open()) note_no_kill(counters->all.ooms);
    return;
  }
  runtime::cgroup::read_oom_path(group, *counters);
  const auto now = std::chrono::steady_clock::now();
  auto news = runtime::cgroup::oom_kills_between(
      *known, *counters,
      {.kills_group = account_.kernel_kills_group(),
       .after_group_kill = now - std::max(group_killed_at_, unsettled_reported_at_) < kGroupDies,
       .path = group.path()});
  if (news.unsettled && unsettled == Unsettled::kWait) {
    if (unsettled_since_ == Moment()) unsettled_since_ = now;
    if (now - unsettled_since_ < kSettles) return poll_again();
  }
  unsettled_since_ = {};
  // The first victim of this group was reported when there was no time to wait.
  const bool told = now - std::exchange(unsettled_reported_at_, news.unsettled ? now : Moment()) < kGroupDies;
  if (told && !news.kills.empty() && news.kills.front().as_group) news.kills.erase(news.kills.begin());
  if (news.kills.empty()) return account_.enter(*counters, {});  // the rest of a group, or a group below that is gone
  polls_left_ = 0;
  snapshot_if_none();
  // A process that waits for the victim goes on within a millisecond: the rest is killed before the log is read.
  const auto done = act_by_counters(news.kills);
  std::vector<Kill> kills;
  kills.reserve(news.kills.size());
  reading_log_ = true;
  for (const auto& each : news.kills) kills.push_back(find_in_log(each));
  reading_log_ = false;
  report_kills(kills, *counters, done);
}

void OomWatch::poll_again() {
  if (polls_left_ > 0) return;
  polls_left_ = kPolls - kPollsInARow;
  poll_later(kFirstPoll);
}

OomWatch::Done OomWatch::act(std::uint64_t kills, std::uint64_t nested) {
  enforcers::OomObservation seen;
  seen.new_kills = kills;
  seen.nested_kills = nested;
  seen.processes_left = subject_.cgroup().populated().value_or(false);
  seen.kernel_kills_group = account_.kernel_kills_group();
  seen.usual_action = account_.usual_action();
  const auto decision = enforcers::decide_oom(seen, subject_.policy());
  auto& executor = executor_of(subject_);
  return {decision, decision.kill_rest ? executor.outcome_of(executor.kill_rest(subject_)) : Outcome::kDone};
}

// Nothing when only the log can tell whether the limit of a group below was reached (v1, a victim in such a group).
std::optional<OomWatch::Done> OomWatch::act_by_counters(const std::vector<runtime::cgroup::OomKill>& kills) {
  using runtime::cgroup::OomPlace;
  std::uint64_t nested = 0;
  for (const auto& kill : kills) {
    if (kill.place == OomPlace::kUnknown && !kill.group.empty()) return std::nullopt;
    if (kill.place == OomPlace::kNested) ++nested;
  }
  return act(kills.size(), nested);
}

void OomWatch::report_kills(const std::vector<Kill>& kills, const runtime::cgroup::OomCounters& counters,
                            std::optional<Done> done) {
  without_victim_.forget();
  OomAccount::Scopes scopes;
  for (const auto& kill : kills) ++scopes[kill.scope];
  if (!done) {
    const auto nested = scopes.find("nested");
    done = act(kills.size(), nested == scopes.end() ? 0 : nested->second);
  }
  account_.enter(counters, scopes);
  const bool as_group = std::any_of(kills.begin(), kills.end(), [](const Kill& kill) { return kill.counted.as_group; });
  if (as_group) group_killed_at_ = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kills.size(); ++i)
    report_kill(kills[i], done->decision, done->outcome, account_.total() - (kills.size() - 1 - i));
  if (as_group) services_.kernel_log.drop(seen_pids());
  woken_at_ = Moment();
  snapshot_.clear();
}

// Where a policy decides before the kernel, a wake-up without a kill is normal: a process is blocked at the limit.
void OomWatch::note_no_kill(std::optional<std::uint64_t> ooms) {
  if (enforcers::decides_before_the_kernel(subject_.policy())) return;
  const auto found = without_victim_.see(std::chrono::steady_clock::now(), ooms);
  if (found) report_no_victim(*found);
}

// A busy agent reads of a kill in the kernel's log before it takes the wake-up for it.
void OomWatch::snapshot_if_none() {
  if (snapshot_.empty()) take_snapshot();
}

void OomWatch::take_snapshot() {
  const auto now = std::chrono::steady_clock::now();
  const auto before = std::exchange(snapshot_, {});
  for (auto& each : snapshot_of(subject_.cgroup())) snapshot_.push_back({std::move(each), now});
  for (const auto& old : before) {
    if (snapshot_.size() >= kProcessesSeen) break;
    const bool seen = std::any_of(snapshot_.begin(), snapshot_.end(),
                                  [&](const auto& each) { return each.process.pid == old.process.pid; });
    if (!seen && now - old.at < kRememberVictim) snapshot_.push_back(old);
  }
}

}  // namespace mete::agent
