// SPDX-License-Identifier: Apache-2.0
// OOM kills in a cgroup that somebody else made, which a policy holds.
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>

#include "agent/enforcement/incident.h"
#include "agent/foreign/foreign_subject.h"
#include "enforcers/oom.h"

namespace mete::agent {
namespace {

constexpr int kChecks = 10;  // doubling from 1 ms: the last after a second
// On v2 a group at its limit is told of 100 times a second.
constexpr auto kSnapshotEvery = std::chrono::milliseconds(100);

}  // namespace

void ForeignSubject::watch_oom() {
  oom_event_.close();
  if (auto event = group_.oom_eventfd()) {
    oom_event_.assign(event->release());
    oom_event_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { oom_woken(); }));
  }
}

void ForeignSubject::oom_woken() {
  const auto now = std::chrono::steady_clock::now();
  if (oom_event_.is_open()) {
    std::uint64_t times = 0;
    (void)!::read(oom_event_.native_handle(), &times, sizeof times);
    oom_event_.async_wait(asio::posix::stream_descriptor::wait_read, alive_.guard([this] { oom_woken(); }));
  }
  woken_ = now;
  if (oom_event_.is_open() || now - snapshot_at_ >= kSnapshotEvery) {
    snapshot_at_ = now;
    if (auto processes = snapshot_of(group_); !processes.empty()) snapshot_ = std::move(processes);
  }
  check_kills(kChecks, std::chrono::milliseconds(1));
  enforcer_.out_of_memory(woken_);
}

void ForeignSubject::oom_killed_in_log() {
  if (woken_ == Moment()) woken_ = std::chrono::steady_clock::now();
  check_kills(kChecks, std::chrono::milliseconds(1));
}

void ForeignSubject::check_kills(int checks_left, std::chrono::milliseconds delay) {
  const auto kills = group_.oom_kill_count();
  if (kills && *kills > kills_) {
    tell_kills(*kills - std::exchange(kills_, *kills));
    return;
  }
  if (checks_left == 0) return;
  oom_timer_.expires_after(delay);
  oom_timer_.async_wait(alive_.guard([this, checks_left, delay] { check_kills(checks_left - 1, 2 * delay); }));
}

// Who launched it has said what becomes of the rest, where no policy says so.
enforcers::OomDecision ForeignSubject::decide(std::uint64_t kills) const {
  if (!policy_->memory.on_oom)
    return {.new_kills = kills, .action = enforcers::OomAction::kKillProcess, .outcome = enforcers::OomOutcome::kDone};
  enforcers::OomObservation seen;
  seen.kills_now = kills;
  seen.processes_left = group_.populated().value_or(false);
  seen.kernel_kills_group = limits_.oom_group.value_or(false);
  return enforcers::decide_oom(seen, &*policy_);
}

void ForeignSubject::tell_kills(std::uint64_t kills) {
  const auto decision = decide(kills);
  const bool done = !decision.kill_rest || group_.kill_all().has_value();
  const Outcome outcome = decision.outcome == enforcers::OomOutcome::kDryRun ? Outcome::kDryRun
                          : done                                             ? Outcome::kDone
                                                                             : Outcome::kFailed;
  std::vector<std::int32_t> pids;
  for (const auto& each : snapshot_) pids.push_back(each.pid);
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = "kernel OOM kill";
  trigger.woken = std::exchange(woken_, Moment());
  if (trigger.woken == Moment()) trigger.woken = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < kills; ++i) {
    auto record = begin_record(*this, enforcer_, enforcement_, trigger, enforcer_.history());
    record.processes = snapshot_;
    if (decision.kill_rest)
      record.steps.emplace_back("the rest of the cgroup killed", std::chrono::steady_clock::now() - trigger.woken);
    if (const auto kill = services_.kernel_log.take(group_.path(), pids)) {
      record.victim = kill->pid;
      record.victim_command = kill->task;
      record.scope = scope_of(*kill, group_.path(), "");
      const auto seen =
          std::find_if(snapshot_.begin(), snapshot_.end(), [&](const auto& each) { return each.pid == kill->pid; });
      if (seen != snapshot_.end()) record.victim_command = seen->command;
    }
    const std::string pid = record.victim ? std::to_string(*record.victim) : "unknown";
    const std::string action(to_string(decision.action));
    std::string message = "The kernel killed process " + pid + " (" + record.victim_command + ") of " + shown() +
                          "; policy " + action + ": " + std::string(to_string(outcome));
    EventFields more = {{"pid", pid}, {"command", record.victim_command}, {"scope", record.scope}};
    Incident(*this, enforcement_, trigger, std::move(record))
        .finish(outcome, action, "OOMKilled", std::move(message), {}, std::move(more));
  }
}

}  // namespace mete::agent
