// SPDX-License-Identifier: Apache-2.0
// What is done when a rule fires. Each of them ends in told() or Incident::finish(): event, metric, and for whatever
// stops or kills a forensic record.
#include <atomic>
#include <csignal>
#include <memory>

#include "agent/base/child_process.h"
#include "agent/enforcement/memory_enforcer.h"
#include "config/objects.h"
#include "enforcers/process_choice.h"
#include "enforcers/raise.h"
#include "runtime/cgroup/reclaim.h"

namespace mete::agent {
namespace {

using config::ThresholdAction;

constexpr auto kRaiseSettles = std::chrono::milliseconds(20);
constexpr auto kKillSettles = std::chrono::seconds(1);
constexpr auto kGuardedAgain = std::chrono::seconds(10);

// What reclaim aims at: so much of the limit below the threshold that fired.
constexpr Ratio kReclaimBelow(100'000);

std::string name_of(ThresholdAction action) {
  switch (action) {
    case ThresholdAction::kSignal:
      return "signal";
    case ThresholdAction::kReclaim:
      return "reclaim";
    case ThresholdAction::kExec:
      return "exec";
    case ThresholdAction::kFreeze:
      return "freeze";
    case ThresholdAction::kRaise:
      return "raise";
    case ThresholdAction::kRestart:
      return "restart";
    case ThresholdAction::kKillContainer:
      return "kill-container";
    case ThresholdAction::kKillProcess:
      return "kill-process";
  }
  return "";
}

}  // namespace

bool MemoryEnforcer::dry_run() const {
  return subject_.policy() != nullptr && subject_.policy()->dry_run;
}

enforcers::Executor& MemoryEnforcer::executor() const {
  return dry_run() ? enforcers::dry_run_executor() : enforcers::kernel_executor();
}

bool MemoryEnforcer::guarded() {
  const auto* const policy = subject_.policy();
  return policy != nullptr && !enforcement_.guard(*policy).allow(policy->guard, std::chrono::steady_clock::now());
}

Incident MemoryEnforcer::incident(const Trigger& trigger) {
  auto record = begin_record(subject_, *this, enforcement_, trigger, history_);
  record.processes = snapshot_of(subject_.cgroup());
  Incident incident(subject_, enforcement_, trigger, std::move(record));
  incident.step("processes and counters read");
  return incident;
}

void MemoryEnforcer::act(const config::MemoryThreshold& rule, const Trigger& trigger) {
  switch (rule.action) {
    case ThresholdAction::kSignal:
      return signal(rule.signal, trigger);
    case ThresholdAction::kExec:
      return exec(rule, trigger);
    case ThresholdAction::kFreeze:
      return freeze(rule, trigger);
    case ThresholdAction::kReclaim: {
      const auto limit = bound();
      if (limit) reclaim(enforcers::share_of(*limit, rule.usage - std::min(kReclaimBelow, rule.usage)), trigger);
      return;
    }
    default:
      return act(rule.action, trigger);
  }
}

void MemoryEnforcer::act(ThresholdAction action, const Trigger& trigger) {
  switch (action) {
    case ThresholdAction::kReclaim:
      return reclaim(usage_ - enforcers::share_of(usage_, kReclaimBelow), trigger);
    case ThresholdAction::kRaise:
      (void)raise(trigger);
      return;
    case ThresholdAction::kRestart:
      return restart(trigger);
    case ThresholdAction::kKillContainer:
    case ThresholdAction::kKillProcess:
      (void)kill(action, trigger);
      return;
    default:  // those with fields of their own: only a threshold can ask for them
      return;
  }
}

void MemoryEnforcer::told(const Trigger& trigger, const std::string& action, Outcome outcome,
                          const std::string& detail) {
  services_.instruments.enforcement(trigger.enforcer, action, std::string(to_string(outcome)));
  services_.instruments.reaction(trigger.enforcer, std::chrono::steady_clock::now() - trigger.woken);
  std::string message = "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because + "; " + action +
                        ": " + std::string(to_string(outcome));
  if (!detail.empty()) message.append(", ").append(detail);
  EventFields fields = {{"rule", trigger.rule},
                        {"action", action},
                        {"outcome", std::string(to_string(outcome))},
                        {"usage", std::to_string(usage_.count())}};
  if (const auto limit = subject_.memory_limit()) fields.emplace_back("limit", std::to_string(limit->count()));
  if (const auto* const policy = subject_.policy()) fields.emplace_back("policy", config::full_name(policy->metadata));
  const bool bad = outcome == Outcome::kFailed || outcome == Outcome::kGuarded;
  subject_.tell(bad ? Severity::kWarning : Severity::kNormal, "PolicyAction", std::move(message), std::move(fields));
}

void MemoryEnforcer::signal(int number, const Trigger& trigger) {
  const auto process = subject_.first_process();
  const Status sent = process ? executor().signal(*process, number) : tl::unexpected(process.error());
  const Outcome outcome = dry_run() ? Outcome::kDryRun : sent ? Outcome::kDone : Outcome::kFailed;
  told(trigger, "signal", outcome,
       sent ? "signal " + std::to_string(number) + " to process " + std::to_string(process->pid) : sent.error().what);
}

void MemoryEnforcer::reclaim(Bytes target, const Trigger& trigger) {
  if (reclaiming_) return;  // the one before is at it still
  if (dry_run())
    return told(trigger, "reclaim", Outcome::kDryRun, "down to " + std::to_string(target.count()) + " bytes");
  reclaiming_ = std::make_shared<std::atomic<bool>>(false);
  const auto result = std::make_shared<Result<Bytes>>(Bytes(0));
  const Bytes before = usage_;
  services_.workers.run([group = subject_.cgroup(), target, stop = reclaiming_,
                         result] { *result = runtime::cgroup::reclaim(group, target, *stop); },
                        alive_.guard([this, trigger, before, target, result] {
                          reclaiming_.reset();
                          const auto& left = *result;
                          if (!left) return told(trigger, "reclaim", Outcome::kFailed, left.error().what);
                          std::string detail = "from " + std::to_string(before.count()) + " to " +
                                               std::to_string(left->count()) + " bytes";
                          if (*left > target) detail += "; there was no more to be had";
                          told(trigger, "reclaim", *left < before ? Outcome::kDone : Outcome::kFailed, detail);
                        }));
}

void MemoryEnforcer::exec(const config::MemoryThreshold& rule, const Trigger& trigger) {
  constexpr auto kUsual = std::chrono::seconds(30);
  std::string command;
  for (const auto& word : rule.command) command.append(command.empty() ? "" : " ").append(word);
  if (dry_run()) return told(trigger, "exec", Outcome::kDryRun, command);
  auto started = subject_.exec(rule.command, rule.timeout.value_or(kUsual));
  if (!started) return told(trigger, "exec", Outcome::kFailed, command + ": " + started.error().what);
  // The reaction ends with the start; how the command ends is told when it does.
  services_.instruments.reaction(trigger.enforcer, std::chrono::steady_clock::now() - trigger.woken);
  const auto code_of_it = std::make_shared<int>(0);
  auto ended = alive_.guard([this, trigger, command, code_of_it] {
    const int code = *code_of_it;
    constexpr int kTimedOut = 124;
    const std::string how = code == kTimedOut ? "it took too long and was killed"
                            : code < 0        ? "it was lost"
                                              : "exit code " + std::to_string(code);
    services_.instruments.enforcement(trigger.enforcer, "exec", code == 0 ? "done" : "failed");
    subject_.tell(
        code == 0 ? Severity::kNormal : Severity::kWarning, "PolicyAction",
        "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because + "; exec " + command + ": " + how,
        {{"rule", trigger.rule},
         {"action", "exec"},
         {"outcome", code == 0 ? "done" : "failed"},
         {"command", command},
         {"exit_code", std::to_string(code)}});
  });
  await_child(services_.loop, *started, [code_of_it, ended = std::move(ended)](int code) mutable {
    *code_of_it = code;
    ended();
  });
}

void MemoryEnforcer::restart(const Trigger& trigger) {
  const auto now = std::chrono::steady_clock::now();
  if (now < restarted_until_ || subject_.restarting()) return;
  auto told_of = incident(trigger);
  const bool refused = !dry_run() && guarded();
  restarted_until_ = now + (refused || dry_run() ? kGuardedAgain : kKillSettles);
  const Status done = refused || dry_run() ? Status() : subject_.restart("PolicyRestarted");
  if (!refused && !dry_run()) told_of.step("stop signal sent");
  const Outcome outcome = refused     ? Outcome::kGuarded
                          : dry_run() ? Outcome::kDryRun
                          : done      ? Outcome::kDone
                                      : Outcome::kFailed;
  told_of.finish(outcome, "restart", refused ? "KillGuarded" : "PolicyRestart",
                 "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because +
                     "; restart: " + std::string(to_string(outcome)),
                 done ? "" : done.error().what);
}

Outcome MemoryEnforcer::kill(ThresholdAction action, const Trigger& trigger) {
  const auto now = std::chrono::steady_clock::now();
  if (now < killed_until_) return last_kill_;
  killed_until_ = now + (dry_run() ? kGuardedAgain : kKillSettles);
  auto told_of = incident(trigger);
  auto& record = told_of.record();
  const auto victim = enforcers::oom_victim(record.processes, bound().value_or(Bytes(0)));
  if (victim) {
    record.victim = record.processes[*victim].pid;
    record.victim_task = record.processes[*victim].task;
    record.victim_command = record.processes[*victim].command;
  }
  // Pressure and thrashing are about page cache, which is no process' own; there the kernel's choice stands.
  const bool gone = action == ThresholdAction::kKillProcess && trigger.enforcer == "memory" && victim &&
                    !enforcers::worth_killing(record.processes[*victim], bound().value_or(Bytes(0)));
  const bool refused = !gone && !dry_run() && guarded();
  if (refused) killed_until_ = now + kGuardedAgain;
  Status done;
  if (gone) {
    killed_until_ = {};  // nothing was killed: it may be by the next who grows
    record.victim.reset();
    record.victim_task.clear();
    record.victim_command.clear();
    done = fail("who had grown is gone, and no other process has a fiftieth of the limit");
  } else if (!refused && action == ThresholdAction::kKillContainer) {
    if (!dry_run()) subject_.killed_by_policy("PolicyKilled");
    done = executor().kill_all(subject_.cgroup());
  } else if (!refused && victim) {
    if (!dry_run()) subject_.killed_by_policy("");
    done = executor().kill_process(*record.victim, subject_.cgroup());
  } else if (!refused) {
    done = fail("there is no process that may be killed");
  }
  if (!refused && !gone && !dry_run()) told_of.step("killed");
  const Outcome outcome = refused     ? Outcome::kGuarded
                          : gone      ? Outcome::kFailed
                          : dry_run() ? Outcome::kDryRun
                          : done      ? Outcome::kDone
                                      : Outcome::kFailed;
  std::string sentence = "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because + "; " +
                         name_of(action) + ": " + std::string(to_string(outcome));
  if (refused) sentence += ", its policy has killed as often as its guard allows";
  EventFields more;
  if (record.victim) more = victim_fields(record);
  told_of.finish(outcome, name_of(action), refused ? "KillGuarded" : "PolicyKill", std::move(sentence),
                 done ? "" : done.error().what, std::move(more));
  return last_kill_ = outcome;
}

Outcome MemoryEnforcer::raise(const Trigger& trigger) {
  const auto* const policy = subject_.policy();
  const auto current = subject_.memory_limit();
  const auto wanted =
      policy == nullptr || !policy->memory.raise ? fail("the policy does not say by how much")
      : !current                                 ? fail("it has no memory limit of its own")
                 : enforcers::raised_limit(*policy->memory.raise, {subject_.original_limit().value_or(*current),
                                                                   *current, enforcement_.available_memory()});
  Incident told_of(subject_, enforcement_, trigger, begin_record(subject_, *this, enforcement_, trigger, history_));
  Status done;
  if (!wanted) {
    done = tl::unexpected(wanted.error());
  } else if (!dry_run()) {
    // Before: raising looks again, and finds that those who wait do so still.
    raised_until_ = std::chrono::steady_clock::now() + kRaiseSettles;
    done = subject_.raise_memory_limit(*wanted);
    if (!done) raised_until_ = {};
  }
  const Outcome outcome = !done ? Outcome::kFailed : dry_run() ? Outcome::kDryRun : Outcome::kDone;
  told_of.step(done && !dry_run() ? "raised" : "decided");
  const std::string to = wanted ? std::to_string(wanted->count()) : "";
  std::string sentence = "Rule " + trigger.rule + " of " + subject_.shown() + ": " + trigger.because +
                         "; raise: " + std::string(to_string(outcome));
  if (wanted) sentence += ", from " + std::to_string(current->count()) + " to " + to + " bytes";
  EventFields more;
  if (wanted) more = {{"from", std::to_string(current->count())}, {"to", to}};
  told_of.finish(outcome, "raise", done ? "LimitRaised" : "LimitNotRaised", std::move(sentence),
                 done ? "" : done.error().what, std::move(more));
  return outcome;
}

}  // namespace mete::agent
