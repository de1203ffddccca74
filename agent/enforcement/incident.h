// SPDX-License-Identifier: Apache-2.0
// One OOM kill or one act of a policy, from the kernel's event to the event, metric and record that tell of it.
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

// Why something is done: the rule, and the numbers that made it fire.
struct Trigger {
  std::string enforcer;  // of the metrics: "memory", "pressure", "thrashing", "oom", "machine"
  std::string rule;      // "memory.at[1]: usage 90%"
  std::string because;   // "usage 98566144 is at least 90% of the limit 104857600"
  Moment woken{};        // the kernel's event
  // The numbers in `because`, where it has them: what an event tells in its fields is the same.
  std::optional<Bytes> usage = {}, limit = {};
};

// The processes of a group in the moment before one of them is gone.
[[nodiscard]] std::vector<collectors::ProcessMemory> snapshot_of(const runtime::cgroup::Group& group);

struct EffectiveLimit {
  Bytes limit;
  std::string of;  // the cgroup's path
};
// The tightest memory limit over the group and its ancestors, or over its ancestors alone; empty: there is none.
[[nodiscard]] std::optional<EffectiveLimit> effective_memory_limit(const runtime::cgroup::Group& group);
[[nodiscard]] std::optional<EffectiveLimit> memory_limit_above(const runtime::cgroup::Group& group);

// What the kernel counts of the group, as it is now.
void record_counters(const runtime::cgroup::Group& group, ForensicRecord& record);

// Everything about the subject that the record is to hold, as it is now.
[[nodiscard]] ForensicRecord begin_record(const Subject& subject, const Watched& watched, Enforcement& enforcement,
                                          const Trigger& trigger, const collectors::UsageHistory& history);

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
  // Writes the record, counts, and tells. `reason` is the event's; `sentence` what a person reads before the numbers.
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
