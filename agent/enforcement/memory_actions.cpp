// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/memory_actions.h"

#include <algorithm>

#include "agent/base/child_process.h"
#include "config/model/objects.h"
#include "config/model/policy_actions.h"
#include "enforcers/memory_watch.h"
#include "enforcers/process_choice.h"

namespace mete::agent {
namespace {

using config::ThresholdAction;

constexpr auto kKillSettles = std::chrono::seconds(1);
constexpr auto kRefusedAgain = std::chrono::seconds(10);  // guarded, or a dry run

// The aim of a reclaim: usage is this share of the limit below the threshold that fired.
constexpr Ratio kReclaimBelow(100'000);

bool acted(Outcome outcome) {
  return outcome == Outcome::kDone || outcome == Outcome::kFailed;
}

}  // namespace

MemoryActions::MemoryActions(Enforcement& enforcement, Subject& subject, MemoryGauge& gauge, const Watched& self)
    : enforcement_(enforcement),
      services_(enforcement.services()),
      subject_(subject),
      gauge_(gauge),
      self_(self),
      awake_timer_(services_.loop) {}

void MemoryActions::reset() {
  back_off_.forget();
  killed_until_ = restarted_until_ = {};
}

void MemoryActions::stop_reclaiming() {
  if (reclaiming_) *reclaiming_ = true;
  awake_timer_.cancel();
}

bool MemoryActions::may_kill(Moment now) {
  const auto* const policy = subject_.policy();
  return policy == nullptr || executor().may_kill(enforcement_.guard(*policy), *policy, now);
}

Incident MemoryActions::begin_incident(const Trigger& trigger) {
  auto record = begin_record(subject_, self_, enforcement_, trigger, gauge_.history());
  record.processes = snapshot_of(subject_.cgroup());
  Incident incident(subject_, enforcement_, trigger, std::move(record));
  incident.step("processes and counters read");
  return incident;
}

std::string MemoryActions::sentence(const Trigger& trigger, const std::string& what) const {
  return "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because + "; " + what;
}

void MemoryActions::report(const Trigger& trigger, const std::string& action, Outcome outcome,
                           const std::string& detail) {
  const std::string shown(to_string(outcome));
  services_.instruments.enforcement(trigger.enforcer, action, shown);
  services_.instruments.reaction(trigger.enforcer, std::chrono::steady_clock::now() - trigger.woken);
  std::string message = sentence(trigger, action + ": " + shown);
  if (!detail.empty()) message.append(", ").append(detail);
  EventFields fields = {{"rule", trigger.rule},
                        {"action", action},
                        {"outcome", shown},
                        {"usage", std::to_string(trigger.usage.value_or(gauge_.usage()).count())}};
  if (const auto limit = trigger.limit ? trigger.limit : subject_.memory_limit())
    fields.emplace_back("limit", std::to_string(limit->count()));
  if (const auto* const policy = subject_.policy()) fields.emplace_back("policy", config::full_name(policy->metadata));
  const bool bad = outcome == Outcome::kFailed || outcome == Outcome::kGuarded;
  subject_.report(bad ? Severity::kWarning : Severity::kNormal, name_of(Reason::kPolicyAction), std::move(message),
                  std::move(fields));
}

void MemoryActions::signal(int number, const Trigger& trigger) {
  const auto process = subject_.first_process();
  const Status sent = process ? executor().signal(*process, number) : tl::unexpected(process.error());
  report(trigger, "signal", executor().outcome_of(sent),
         sent ? "signal " + std::to_string(number) + " to process " + std::to_string(process->pid) : sent.error().what);
}

void MemoryActions::reclaim_below(Ratio usage, const Trigger& trigger) {
  if (const auto limit = gauge_.bound())
    reclaim(enforcers::share_of(*limit, usage - std::min(kReclaimBelow, usage)), trigger);
}

void MemoryActions::reclaim_some(const Trigger& trigger) {
  reclaim(gauge_.usage() - enforcers::share_of(gauge_.usage(), kReclaimBelow), trigger);
}

void MemoryActions::reclaim(Bytes target, const Trigger& trigger) {
  if (reclaiming_) return;  // the one before is at it still
  if (!back_off_.due(std::chrono::steady_clock::now(), gauge_.usage())) return;
  reclaiming_ = std::make_shared<std::atomic<bool>>(false);
  const auto result = std::make_shared<Result<Bytes>>(Bytes(0));
  auto finish = alive_.guard([this, trigger, target, result, before = gauge_.usage(), &executor = executor()] {
    reclaiming_.reset();
    const auto& left = *result;
    const bool tell = back_off_.ended(std::chrono::steady_clock::now(), before, left.value_or(before), target);
    if (!tell) return services_.instruments.enforcement(trigger.enforcer, "reclaim", "failed");
    if (!left) return report(trigger, "reclaim", Outcome::kFailed, left.error().what);
    std::string detail = "from " + std::to_string(before.count()) + " to " + std::to_string(left->count()) + " bytes";
    if (*left > target) detail += "; nothing more could be reclaimed";
    if (back_off_.in_vain()) detail += ": it is tried again later and later, and not told again";
    report(trigger, "reclaim", executor.outcome_of(back_off_.in_vain() ? fail("no less") : Status()), detail);
  });
  executor().reclaim(services_.workers, subject_, target, reclaiming_,
                     [result, finish = std::move(finish)](const Result<Bytes>& left) mutable {
                       *result = left;
                       finish();
                     });
}

void MemoryActions::exec(const config::MemoryThreshold& rule, const Trigger& trigger) {
  constexpr auto kUsual = std::chrono::seconds(30);
  std::string command;
  for (const auto& word : rule.command) command.append(command.empty() ? "" : " ").append(word);
  const auto started = executor().exec(subject_, rule.command, rule.timeout.value_or(kUsual));
  if (!started) return report(trigger, "exec", Outcome::kFailed, command + ": " + started.error().what);
  if (*started == 0) return report(trigger, "exec", executor().outcome_of({}), command);
  // The reaction ends with the start; how the command ends is reported when it does.
  services_.instruments.reaction(trigger.enforcer, std::chrono::steady_clock::now() - trigger.woken);
  const auto code_of_it = std::make_shared<int>(0);
  auto ended = alive_.guard([this, trigger, command, code_of_it] { report_command(trigger, command, *code_of_it); });
  await_child(services_.loop, *started, [code_of_it, ended = std::move(ended)](int code) mutable {
    *code_of_it = code;
    ended();
  });
}

void MemoryActions::report_command(const Trigger& trigger, const std::string& command, int code) {
  constexpr int kTimedOut = 124;
  const std::string how = code == kTimedOut ? "it took too long and was killed"
                          : code < 0        ? "it was lost"
                                            : "exit code " + std::to_string(code);
  services_.instruments.enforcement(trigger.enforcer, "exec", code == 0 ? "done" : "failed");
  subject_.report(code == 0 ? Severity::kNormal : Severity::kWarning, name_of(Reason::kPolicyAction),
                  sentence(trigger, "exec " + command + ": " + how),
                  {{"rule", trigger.rule},
                   {"action", "exec"},
                   {"outcome", code == 0 ? "done" : "failed"},
                   {"command", command},
                   {"exit_code", std::to_string(code)}});
}

void MemoryActions::restart(const Trigger& trigger) {
  const auto now = std::chrono::steady_clock::now();
  if (now < restarted_until_ || subject_.restarting()) return;
  auto incident = begin_incident(trigger);
  Status done;
  Outcome outcome = Outcome::kGuarded;
  if (may_kill(now)) {
    done = executor().restart(subject_);
    outcome = executor().outcome_of(done);
  }
  restarted_until_ = now + (acted(outcome) ? kKillSettles : kRefusedAgain);
  if (acted(outcome)) incident.step("stop signal sent");
  incident.finish(outcome, "restart", outcome == Outcome::kGuarded ? "KillGuarded" : "PolicyRestart",
                  sentence(trigger, "restart: " + std::string(to_string(outcome))), error_of(done));
}

Outcome MemoryActions::kill(ThresholdAction action, const Trigger& trigger) {
  const auto now = std::chrono::steady_clock::now();
  if (now < killed_until_) return last_kill_;
  auto incident = begin_incident(trigger);
  auto& record = incident.record();
  const Bytes bound = gauge_.bound().value_or(Bytes(0));
  const auto victim = enforcers::oom_victim(record.processes, bound);
  // Pressure and thrashing are about page cache, which is no process' own; there the kernel's choice stands.
  const bool gone = action == ThresholdAction::kKillProcess && trigger.enforcer == "memory" && victim &&
                    !enforcers::worth_killing(record.processes[*victim], bound);
  if (victim && !gone) {
    record.victim = record.processes[*victim].pid;
    record.victim_task = record.processes[*victim].task;
    record.victim_command = record.processes[*victim].command;
  }
  Status done;
  Outcome outcome = Outcome::kGuarded;
  if (gone) {
    done = fail("the process that had grown has exited, and no other process has a fiftieth of the limit");
    outcome = Outcome::kFailed;
  } else if (may_kill(now)) {
    if (action == ThresholdAction::kKillContainer) {
      done = executor().kill_container(subject_);
    } else {
      done =
          victim ? executor().kill_process(subject_, *record.victim) : fail("there is no process that may be killed");
    }
    outcome = executor().outcome_of(done);
  }
  // Nothing was killed: it may be by the next that grows.
  killed_until_ = gone ? Moment() : now + (acted(outcome) ? kKillSettles : kRefusedAgain);
  if (!gone && acted(outcome)) incident.step("killed");
  const std::string name(config::to_string(action));
  std::string text = sentence(trigger, name + ": " + std::string(to_string(outcome)));
  if (outcome == Outcome::kGuarded) text += ", its policy has killed as often as its guard allows";
  incident.finish(outcome, name, outcome == Outcome::kGuarded ? "KillGuarded" : "PolicyKill", std::move(text),
                  error_of(done), record.victim ? victim_fields(record) : EventFields());
  return last_kill_ = outcome;
}

void MemoryActions::notify_pressure(bool news, Bytes usage) {
  const Status done = executor().notify_pressure(subject_);
  const std::string outcome(to_string(executor().outcome_of(done)));
  services_.instruments.enforcement("pressure", "notify", outcome);
  if (!news) return;
  subject_.report(done ? Severity::kNormal : Severity::kWarning, name_of(Reason::kPressureNotified),
                  "Notified " + subject_.shown() + " of its memory pressure (memory.notify): " + outcome +
                      (done ? "" : ": " + done.error().what),
                  {{"action", "notify"}, {"outcome", outcome}, {"usage", std::to_string(usage.count())}});
}

}  // namespace mete::agent
