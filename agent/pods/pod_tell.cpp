// SPDX-License-Identifier: Apache-2.0
// What a pod tells: its record to the next agent, its events, its status to its owner.
#include "agent/pods/pod.h"

namespace mete::agent {

using runtime::Durability;

Status Pod::try_save(Durability durability) {
  if (removing_ || ending_) return {};  // a thread removes the record, or has removed it
  (void)note_conditions(record_, restart_policy(), std::chrono::system_clock::now());
  if (auto now = status(); told_ != now) {
    told_ = std::move(now);
    services_.turns.add(alive_.guard([this] { owner_.changed(); }));
  }
  // A pod of a Job is a piece of work that is done once: no power failure must forget that it was begun.
  if (record_.workload->kind == "Job") durability = Durability::durable;
  // The record of a pod that is being deleted goes with it: no power failure makes it worth more.
  return agent::save(record_, paths().record(), record_.terminating ? Durability::volatile_ : durability);
}

void Pod::save(Durability durability) {
  const auto saved = try_save(durability);
  if (!saved && !save_failed_) report(Severity::kWarning, name_of(Reason::kRecordNotSaved), "", saved.error().what);
  save_failed_ = !saved;
}

void Pod::report(Severity severity, std::string reason, const std::string& container, std::string message,
                 std::vector<std::pair<std::string, std::string>> fields) {
  services_.events.add({.severity = severity,
                        .reason = std::move(reason),
                        .pod = record_.key(),
                        .container = container,
                        .message = std::move(message),
                        .fields = std::move(fields)});
}

void Pod::note_status() {
  // What is saved tells the owner.
  const bool changed = note_conditions(record_, restart_policy(), std::chrono::system_clock::now());
  if (changed || told_ != status()) save(Durability::volatile_);
}

}  // namespace mete::agent
