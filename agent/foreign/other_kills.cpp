// SPDX-License-Identifier: Apache-2.0
#include "agent/foreign/other_kills.h"

#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/incident.h"

namespace mete::agent {

void report_kill_of_others(Enforcement& enforcement, const KernelKill& kill) {
  Services& services = enforcement.services();
  // A kill without a cgroup in the log may belong to any group. Kills below mete's own parent are reported by their own
  // counters.
  const auto& parent = services.settings.cgroup_parent;
  if (kill.task_memcg.empty() || kill.task_memcg == parent || kill.task_memcg.starts_with(parent + "/")) return;
  ForensicRecord record;
  record.at = std::chrono::system_clock::now();
  record.rule = "kernel OOM kill";
  record.cgroup = kill.task_memcg;
  record.scope = scope_of(kill, kill.task_memcg, "");
  record.action = "none";
  record.outcome = to_string(Outcome::kDone);
  record.victim = kill.pid;
  record.victim_task = record.victim_command = kill.task;
  if (const auto group = runtime::cgroup::Group::at(services.hierarchies, kill.task_memcg)) {
    record_counters(*group, record);
    record.processes = snapshot_of(*group);
  }
  const auto written = enforcement.forensics().add(record);
  EventFields fields = {{"rule", record.rule}, {"cgroup", record.cgroup}, {"scope", record.scope}};
  for (auto& each : victim_fields(record)) fields.push_back(std::move(each));
  fields.emplace_back("anon_rss", std::to_string(kill.anon_rss.count()));
  if (written) fields.emplace_back("record", *written);
  services.events.add({.severity = Severity::kWarning,
                       .reason = name_of(Reason::kForeignOOMKilled),
                       .message = "The kernel killed process " + std::to_string(kill.pid) + " (" + kill.task +
                                  ") of cgroup " + record.cgroup + ", which no policy holds",
                       .fields = std::move(fields)});
}

}  // namespace mete::agent
