// SPDX-License-Identifier: Apache-2.0
#include "agent/enforcement/incident.h"

#include <algorithm>

#include "config/model/objects.h"
#include "runtime/cgroup/memory/memory.h"

namespace mete::agent {
namespace {

constexpr std::size_t kSnapshotProcesses = 64;

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kDryRun:
      return "dry-run";
    case Outcome::kGuarded:
      return "guarded";
  }
  return "failed";
}

std::vector<collectors::ProcessMemory> snapshot_of(const runtime::cgroup::Group& group) {
  const auto pids = group.processes();
  return pids ? collectors::read_processes(*pids, kSnapshotProcesses) : std::vector<collectors::ProcessMemory>();
}

namespace {

std::string parent_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::optional<EffectiveLimit> tightest_limit(const runtime::cgroup::Hierarchies& hierarchies, std::string path) {
  std::optional<EffectiveLimit> tightest;
  for (; path.size() > 1; path = parent_of(path)) {
    const auto each = runtime::cgroup::Group::at(hierarchies, path);
    const auto limit = each ? runtime::cgroup::memory_limit(*each) : std::nullopt;
    if (limit && (!tightest || *limit < tightest->limit)) tightest = {*limit, path};
  }
  return tightest;
}

}  // namespace

std::optional<EffectiveLimit> effective_memory_limit(const runtime::cgroup::Group& group) {
  return tightest_limit(group.hierarchies(), group.path());
}
std::optional<EffectiveLimit> memory_limit_above(const runtime::cgroup::Group& group) {
  return tightest_limit(group.hierarchies(), parent_of(group.path()));
}

void record_counters(const runtime::cgroup::Group& group, ForensicRecord& record) {
  if (auto effective = effective_memory_limit(group)) {
    record.effective_limit = effective->limit;
    record.effective_by = std::move(effective->of);
  }
  if (const auto usage = runtime::cgroup::memory_usage(group)) record.usage = *usage;
  record.peak = runtime::cgroup::memory_peak(group);
  if (const auto pids = group.processes()) record.process_count = pids->size();
  record.memory_stat = runtime::cgroup::memory_stat(group).value_or("");
  record.pressure = runtime::cgroup::memory_pressure(group);
}

ForensicRecord begin_record(const Subject& subject, const Watched& watched, Enforcement& enforcement,
                            const Trigger& trigger, const collectors::UsageHistory& history) {
  const auto& group = subject.cgroup();
  ForensicRecord record;
  record.at = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                     std::chrono::steady_clock::now() - trigger.woken);
  record.rule = trigger.rule;
  if (subject.policy() != nullptr) record.policy = config::full_name(subject.policy()->metadata);
  record.pod = subject.pod_key();
  record.container = subject.container_name();
  record.cgroup = group.path();
  record.limit = subject.memory_limit();
  record_counters(group, record);
  if (trigger.usage) record.usage = trigger.usage;
  for (const auto& point : history.points()) record.history.push_back({trigger.woken - point.at, point.usage});
  record.neighbours = enforcement.neighbours_of(watched);
  return record;
}

EventFields victim_fields(const ForensicRecord& record) {
  EventFields fields = {{"pid", record.victim ? std::to_string(*record.victim) : "unknown"}};
  if (!record.victim_task.empty()) fields.emplace_back("task", record.victim_task);
  fields.emplace_back("command", record.victim_command.empty() ? "unknown" : record.victim_command);
  return fields;
}

void Incident::step(std::string what) {
  record_.steps.emplace_back(std::move(what), std::chrono::steady_clock::now() - trigger_.woken);
}

void Incident::finish(Outcome outcome, std::string action, const std::string& reason, std::string sentence,
                      const std::string& detail, EventFields more) {
  record_.action = std::move(action);
  record_.outcome = to_string(outcome);
  record_.detail = detail;
  services_.instruments.enforcement(trigger_.enforcer, record_.action, record_.outcome);
  const auto written = enforcement_.forensics().add(record_);
  services_.instruments.reaction(trigger_.enforcer, std::chrono::steady_clock::now() - trigger_.woken);
  EventFields fields = {{"rule", record_.rule}, {"action", record_.action}, {"outcome", record_.outcome}};
  if (record_.usage) fields.emplace_back("usage", std::to_string(record_.usage->count()));
  const auto limit = trigger_.limit ? trigger_.limit : record_.limit;
  if (limit) fields.emplace_back("limit", std::to_string(limit->count()));
  if (!record_.policy.empty()) fields.emplace_back("policy", record_.policy);
  for (auto& each : more) fields.push_back(std::move(each));
  if (written) fields.emplace_back("record", *written);
  if (written) subject_.recorded(record_);
  if (!detail.empty()) sentence.append(": ").append(detail);
  if (!written) sentence.append(" (its record could not be written: ").append(written.error().what).append(")");
  subject_.report(Severity::kWarning, reason, std::move(sentence), std::move(fields));
}

}  // namespace mete::agent
