// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/oom_watch.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/base/spare_descriptors.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/enforcement/policy_executor.h"

namespace mete::agent {
namespace {

constexpr std::size_t kSnapshotProcesses = 128;  // what is remembered of a moment ago included
constexpr auto kSnapshotEvery = std::chrono::milliseconds(100);
// On v1 the wake-up comes before the kill, 2 to 3 ms as a rule: so for 5 ms the counter is polled often. On v2 they
// come together, and again and again while a group stays at its limit.
constexpr auto kFirstPoll = std::chrono::microseconds(500);
constexpr int kPollsInARow = 10;
constexpr int kPolls = kPollsInARow + 13;  // doubling: the last after about 4 s
// On v2 the wake-ups of one kill are up to 10 ms apart, and at a later one the victim has no command line any more.
constexpr auto kRememberVictim = std::chrono::seconds(1);

}  // namespace

OomWatch::OomWatch(Enforcement& enforcement, Subject& subject, OomAccount& account, MemoryEnforcer& enforcer)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      subject_(subject),
      account_(account),
      enforcer_(enforcer),
      event_(services_.loop),
      timer_(services_.loop) {}

void OomWatch::open() {
  event_.close();
  auto event = subject_.cgroup().oom_eventfd();
  if (!event) return;  // memory is on v2
  event_.assign(event->release());
  await_event();
}

void OomWatch::close() {
  event_.close();
  stop_polling();
}

void OomWatch::stop_polling() {
  timer_.cancel();
}

void OomWatch::await_event() {
  event_.async_wait(Descriptor::wait_read, alive_.guard([this] { woken(); }));
}

void OomWatch::woken() {
  if (event_.is_open()) {
    std::uint64_t times = 0;
    (void)!::read(event_.native_handle(), &times, sizeof times);
    await_event();
  }
  const SpareDescriptors spare;
  const auto now = std::chrono::steady_clock::now();
  woken_at_ = now;
  // On v2 a group at its limit wakes 100 times a second without a kill. The counter is compared each time; the
  // processes were read a moment ago.
  if (event_.is_open() || now - snapshot_at_ >= kSnapshotEvery) {
    snapshot_at_ = now;
    take_snapshot();
  }
  polls_left_ = kPolls;
  if (!event_.is_open()) polls_left_ -= kPollsInARow;
  poll_later(kFirstPoll);
  poll();
  enforcer_.out_of_memory(now);
}

void OomWatch::killed_in_log() {
  if (polls_left_ <= 0) {
    woken_at_ = std::chrono::steady_clock::now();
    polls_left_ = kPolls - kPollsInARow;
    poll_later(kFirstPoll);
  }
  poll();
}

void OomWatch::poll_later(std::chrono::microseconds delay) {
  if (polls_left_-- <= 0) return;
  timer_.expires_after(delay);
  timer_.async_wait(alive_.guard([this, delay] {
    poll();
    poll_later(polls_left_ > kPolls - kPollsInARow ? delay : delay * 2);
  }));
}

void OomWatch::poll() {
  const SpareDescriptors spare;
  const auto counts = account_.counts();
  if (!counts || counts->now <= counts->reported) return;
  enforcers::OomObservation seen;
  seen.kills_before = counts->reported;
  seen.kills_now = counts->now;
  seen.processes_left = subject_.cgroup().populated().value_or(false);
  seen.kernel_kills_group = account_.kernel_kills_group();
  seen.usual_action = account_.usual_action();
  const auto decision = enforcers::decide_oom(seen, subject_.policy());
  auto& executor = executor_of(subject_);
  const Outcome outcome = decision.kill_rest ? executor.outcome_of(executor.kill_rest(subject_)) : Outcome::kDone;
  account_.enter(counts->now);
  report(decision, outcome);
  polls_left_ = 0;
}

void OomWatch::take_snapshot() {
  const auto now = std::chrono::steady_clock::now();
  const auto before = std::exchange(snapshot_, {});
  for (auto& each : snapshot_of(subject_.cgroup())) snapshot_.push_back({std::move(each), now});
  for (const auto& old : before) {
    if (snapshot_.size() >= kSnapshotProcesses) break;
    const bool seen = std::any_of(snapshot_.begin(), snapshot_.end(),
                                  [&](const auto& each) { return each.process.pid == old.process.pid; });
    if (!seen && now - old.at < kRememberVictim) snapshot_.push_back(old);
  }
}

void OomWatch::report(const enforcers::OomDecision& decision, Outcome outcome) {
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = "kernel OOM kill";
  trigger.woken = std::exchange(woken_at_, Moment());
  if (trigger.woken == Moment()) trigger.woken = std::chrono::steady_clock::now();
  for (std::uint64_t i = decision.new_kills; i > 0; --i)
    report_kill(decision, outcome, trigger, account_.total() - i + 1);
  snapshot_.clear();
}

void OomWatch::report_kill(const enforcers::OomDecision& decision, Outcome outcome, const Trigger& trigger,
                           std::uint64_t number) {
  auto record = begin_record(subject_, enforcer_, enforcement_, trigger, enforcer_.history());
  for (const auto& each : snapshot_) record.processes.push_back(each.process);
  const bool ours = !subject_.container_name().empty();
  if (decision.kill_rest && outcome != Outcome::kDryRun)
    record.steps.emplace_back(std::string("the rest of the ") + (ours ? "container" : "cgroup") + " killed",
                              std::chrono::steady_clock::now() - trigger.woken);
  name_victim(record);
  account_.note_scope(record.scope);
  // Usage has gone with the victim: the most that it was says more.
  if (record.peak) record.usage = record.peak;
  const std::string action(to_string(decision.action));
  const std::string pid = record.victim ? std::to_string(*record.victim) : "unknown";
  const std::string limit = record.limit ? std::to_string(record.limit->count()) : "none";
  const std::string usage = std::to_string(record.usage.value_or(Bytes(0)).count());
  std::string message = "The kernel killed process " + pid + " (" + victim_text(record) + ") of " +
                        (ours ? "container " + subject_.container_name() : subject_.shown()) + ": memory limit " +
                        limit + " bytes, usage " + usage + " bytes; policy " + action + ": " +
                        std::string(to_string(outcome));
  EventFields more = victim_fields(record);
  more.emplace_back("scope", record.scope);
  more.emplace_back("kills", std::to_string(number));
  if (!record.limit) more.emplace_back("limit", limit);
  if (!record.usage) more.emplace_back("usage", usage);
  Incident incident(subject_, enforcement_, trigger, std::move(record));
  incident.finish(outcome, action, "OOMKilled", std::move(message), {}, std::move(more));
  account_.reported(incident.record());
}

// By the kernel's log when it names one; else the largest of those that were seen. The kernel's name of the task stands
// beside the command line: a program that a shell runs within itself has the shell's command line.
void OomWatch::name_victim(ForensicRecord& record) const {
  const auto& processes = record.processes;
  std::vector<std::int32_t> pids;
  pids.reserve(processes.size());
  for (const auto& each : processes) pids.push_back(each.pid);
  const std::string& group = subject_.cgroup().path();
  const auto kill = services_.kernel_log.take(group, pids);
  const auto victim =
      kill ? std::find_if(processes.begin(), processes.end(), [&](const auto& each) { return each.pid == kill->pid; })
           : std::max_element(processes.begin(), processes.end(),
                              [](const auto& a, const auto& b) { return a.rss < b.rss; });
  const bool seen = victim != processes.end();
  if (kill) {
    record.victim = kill->pid;
    record.victim_task = kill->task;
    record.scope = scope_of(*kill, group, account_.pod_cgroup());
  } else if (seen) {
    record.victim = victim->pid;
    record.victim_task = victim->task;
  }
  record.victim_command = seen ? victim->command : std::string();
  const bool named = !record.victim_command.empty() && record.victim_command.front() != '[';
  if (named || !kill) return;
  record.victim_command = account_.command_of(kill->pid);
  if (record.victim_command.empty()) record.victim_command = kill->task;
}

}  // namespace mete::agent
