// SPDX-License-Identifier: Apache-2.0
// The part of OomWatch that describes a kill: whose limit was reached, and which process was killed.
#include <algorithm>
#include <utility>

#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/memory_enforcer.h"
#include "agent/enforcement/oom_watch.h"
#include "runtime/cgroup/memory/memory.h"

namespace mete::agent {
namespace {

// v1: a kill this long after the kernel's wake-up belongs to it.
constexpr auto kKillFollows = std::chrono::seconds(1);

}  // namespace

std::vector<std::int32_t> OomWatch::seen_pids() const {
  std::vector<std::int32_t> pids;
  pids.reserve(snapshot_.size());
  for (const auto& each : snapshot_) pids.push_back(each.process.pid);
  return pids;
}

OomWatch::Kill OomWatch::find_in_log(const runtime::cgroup::OomKill& counted) {
  Kill kill{counted, services_.kernel_log.take(subject_.cgroup().path(), seen_pids()), {}};
  if (!kill.logged) ++reported_unlogged_;
  kill.scope = scope_of_kill(kill);
  return kill;
}

// The counters decide where they can, else the kernel's log. v1 without the log: by the charges that were refused, else
// a wake-up means that the limit of the group itself, or one above it, was reached.
std::string OomWatch::scope_of_kill(const Kill& kill) const {
  using runtime::cgroup::OomPlace;
  switch (kill.counted.place) {
    case OomPlace::kOwn:
      return "container";
    case OomPlace::kNested:
      return "nested";
    case OomPlace::kAbove:
      return kill.counted.group == account_.pod_cgroup() ? "pod" : "ancestor";
    case OomPlace::kUnknown:
      break;
  }
  const auto scope = [&](const KernelKill& of) {
    return scope_of(of, subject_.cgroup().path(), account_.pod_cgroup());
  };
  // The kernel names the limits of ten kills in five seconds.
  const bool named = kill.logged && (!kill.logged->of_cgroup || !kill.logged->oom_memcg.empty());
  if (!named && !kill.counted.likely.empty()) {
    KernelKill of;
    of.oom_memcg = kill.counted.likely;
    return scope(of);
  }
  if (kill.logged) return scope(*kill.logged);
  const bool woken = std::chrono::steady_clock::now() - kernel_woke_at_ < kKillFollows;
  return !kill.counted.group.empty() && !woken ? "nested" : "container";
}

Trigger OomWatch::trigger_of(std::string_view rule) const {
  Trigger trigger;
  trigger.enforcer = "oom";
  trigger.rule = rule;
  trigger.woken = woken_at_ == Moment() ? std::chrono::steady_clock::now() : woken_at_;
  return trigger;
}

ForensicRecord OomWatch::begin_oom_record(const Trigger& trigger) const {
  auto record = begin_record(subject_, enforcer_, enforcement_, trigger, enforcer_.history());
  for (const auto& each : snapshot_) record.processes.push_back(each.process);
  return record;
}

void OomWatch::report_kill(const Kill& kill, const enforcers::OomDecision& decision, Outcome outcome,
                           std::uint64_t number) {
  const Trigger trigger = trigger_of("kernel OOM kill");
  auto record = begin_oom_record(trigger);
  record.scope = kill.scope;
  const bool ours = !subject_.container_name().empty();
  if (decision.kill_rest && outcome != Outcome::kDryRun)
    record.steps.emplace_back(std::string("the rest of the ") + (ours ? "container" : "cgroup") + " killed",
                              std::chrono::steady_clock::now() - trigger.woken);
  name_victim(kill, record);
  // The victim's memory is freed already, so the peak says more than the usage.
  if (record.peak) record.usage = record.peak;
  name_limit(kill, record);
  const std::string action(to_string(decision.action));
  const std::string pid = record.victim ? std::to_string(*record.victim) : "unknown";
  const std::string limit = record.limit ? std::to_string(record.limit->count()) : "none";
  const std::string usage = record.usage ? std::to_string(record.usage->count()) : "unknown";
  std::string message =
      "The kernel killed process " + pid + " (" + victim_text(record) + ")" +
      (kill.counted.as_group ? " and its whole group" : "") + " of " +
      (ours ? "container " + subject_.container_name() : subject_.shown()) + ": memory limit " + limit + " bytes" +
      (record.scope == "container" || record.effective_by.empty() ? "" : " of " + record.effective_by) + ", usage " +
      usage + " bytes; policy " + action + ": " + std::string(to_string(outcome));
  EventFields more = victim_fields(record);
  more.emplace_back("scope", record.scope);
  more.emplace_back("kills", std::to_string(number));
  if (record.scope != "container" && !record.effective_by.empty()) more.emplace_back("limit_of", record.effective_by);
  if (!record.limit) more.emplace_back("limit", limit);
  if (!record.usage) more.emplace_back("usage", usage);
  Incident incident(subject_, enforcement_, trigger, std::move(record));
  incident.finish(outcome, action, "OOMKilled", std::move(message), {}, std::move(more));
  account_.reported(incident.record());
}

// v2: the counters show whether a group inside has run out of memory.
void OomWatch::report_no_victim(const enforcers::OomWithoutVictim::Found& found) {
  const Trigger trigger = trigger_of("kernel OOM without a victim");
  auto record = begin_oom_record(trigger);
  auto counters = runtime::cgroup::read_oom_counters(subject_.cgroup());
  const auto* const known = account_.known();
  if (counters) runtime::cgroup::read_oom_path(subject_.cgroup(), *counters);
  if (counters && counters->own && known != nullptr && known->own && counters->own->ooms == known->own->ooms)
    record.scope = "nested";
  const std::string seconds = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(found.in).count());
  EventFields more = {{"scope", record.scope}, {"times", std::to_string(found.times)}, {"seconds", seconds}};
  std::string message =
      "Memory of " + subject_.shown() + " has run out " + std::to_string(found.times) + " times in " + seconds +
      " s, and the kernel finds no process in it that it may kill (oom_score_adj -1000?): the processes " +
      "that need memory are blocked, and keep a CPU busy";
  Incident incident(subject_, enforcement_, trigger, std::move(record));
  incident.finish(Outcome::kDone, "no-victim", name_of(Reason::kOOMWithoutVictim), std::move(message), {},
                  std::move(more));
}

// Sets limit and usage of the record to those of the cgroup whose limit was reached, where that is not the subject
// itself. The cgroup may be gone already.
void OomWatch::name_limit(const Kill& kill, ForensicRecord& record) const {
  if (record.scope == "container") return;
  std::string of = kill.counted.place == runtime::cgroup::OomPlace::kAbove ? kill.counted.group : std::string();
  if (of.empty() && kill.logged) of = kill.logged->oom_memcg;
  if (of.empty() && record.scope != "host") of = kill.counted.likely;
  if (of.empty() && record.scope == "nested") of = kill.counted.group;
  record.limit.reset();
  record.usage.reset();
  record.effective_limit.reset();
  record.effective_by = of;
  if (of.empty()) return;
  const auto group = runtime::cgroup::Group::at(services_.hierarchies, of);
  if (!group) return;
  record.limit = record.effective_limit = runtime::cgroup::memory_limit(*group);
  record.usage = runtime::cgroup::memory_peak(*group);
}

// The victim is the process that the kernel's log names, else the largest that was seen. The record has the kernel's
// name of the task beside the command line: a program that a shell runs within itself has the shell's command line.
void OomWatch::name_victim(const Kill& killed, ForensicRecord& record) const {
  const auto& processes = record.processes;
  const auto& kill = killed.logged;
  const auto victim =
      kill ? std::find_if(processes.begin(), processes.end(), [&](const auto& each) { return each.pid == kill->pid; })
           : std::max_element(processes.begin(), processes.end(),
                              [](const auto& a, const auto& b) { return a.rss < b.rss; });
  const bool seen = victim != processes.end();
  if (kill) {
    record.victim = kill->pid;
    record.victim_task = kill->task;
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
