// SPDX-License-Identifier: Apache-2.0
// One OOM kill or one act of a policy. The forensic record, the event and the metric about it are made here, so that
// all three state the same facts.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/services.h"
#include "agent/enforcement/enforcement.h"
#include "agent/enforcement/subject.h"
#include "agent/forensics/forensic_record.h"
#include "collectors/usage_history.h"

namespace mete::agent {

using Moment = std::chrono::steady_clock::time_point;

enum class Outcome { kDone, kFailed, kDryRun, kGuarded };
[[nodiscard]] std::string_view to_string(Outcome outcome);

// The cause of an act: the rule, and the numbers that made it fire.
struct Trigger {
  std::string enforcer;  // of the metrics: "memory", "pressure", "thrashing", "oom", "machine"
  std::string rule;      // "memory.at[1]: usage 90%"
  std::string because;   // "usage 98566144 is at least 90% of the limit 104857600"
  Moment woken{};        // time of the kernel's event
  // The numbers in `because`, where it has any. They also become the event's fields.
  std::optional<Bytes> usage = {}, limit = {};
};

// The processes of a group, read before one of them is killed.
[[nodiscard]] std::vector<collectors::ProcessMemory> snapshot_of(const runtime::cgroup::Group& group);

struct EffectiveLimit {
  Bytes limit;
  std::string of;  // the cgroup's path
};
// The tightest memory limit over the group and its ancestors, or over its ancestors alone; empty: there is none.
[[nodiscard]] std::optional<EffectiveLimit> effective_memory_limit(const runtime::cgroup::Group& group);
[[nodiscard]] std::optional<EffectiveLimit> memory_limit_above(const runtime::cgroup::Group& group);

// Copies the kernel's present counters of the group into the record.
void record_counters(const runtime::cgroup::Group& group, ForensicRecord& record);

// A record of the subject's present state.
[[nodiscard]] ForensicRecord begin_record(const Subject& subject, const Watched& watched, Enforcement& enforcement,
                                          const Trigger& trigger, const collectors::UsageHistory& history);

// The text of an error; empty after a success.
[[nodiscard]] inline std::string error_of(const Status& done) {
  return done ? std::string() : done.error().what;
}

// The fields of an event that names the record's victim: pid, task, command.
[[nodiscard]] EventFields victim_fields(const ForensicRecord& record);

class Incident {
 public:
  Incident(Subject& subject, Enforcement& enforcement, Trigger trigger, ForensicRecord record)
      : subject_(subject),
        enforcement_(enforcement),
        services_(enforcement.services()),
        trigger_(std::move(trigger)),
        record_(std::move(record)) {}

  [[nodiscard]] ForensicRecord& record() { return record_; }
  [[nodiscard]] const Trigger& trigger() const { return trigger_; }
  void step(std::string what);
  // Stores the record, counts the act in the metrics, and reports the event. `reason`: the event's reason. `sentence`:
  // the event's message, to which the numbers are appended.
  void finish(Outcome outcome, std::string action, const std::string& reason, std::string sentence,
              const std::string& detail = {}, EventFields more = {});

 private:
  Subject& subject_;
  Enforcement& enforcement_;
  Services& services_;
  Trigger trigger_;
  ForensicRecord record_;
};

}  // namespace mete::agent
