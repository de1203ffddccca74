// SPDX-License-Identifier: Apache-2.0
// The facts about one OOM kill, or one action of a policy: stored under STATE/forensics, one JSON file each.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/kernel/process_memory.h"
#include "collectors/kernel/sample.h"
#include "config/base/units.h"
#include "enforcers/restart.h"

namespace mete::agent {

// Another cgroup of the machine with its last known size.
struct Neighbour {
  std::string name;
  Bytes usage;
  std::optional<Bytes> limit;
};

// A possible victim when the machine itself ran out of memory; the list is in order of preference.
struct Candidate {
  std::string name;
  std::string reason;  // the criterion of its rank, or why it is protected
  bool chosen = false;
};

struct ForensicRecord {
  std::string id;                   // set by Forensics: sorts by time
  enforcers::WallTime at{};         // of the event
  std::string rule;                 // "kernel OOM kill", "memory.at[1]: usage 90%", "memory.onOOM: hold", ...
  std::string policy;               // "default/web"; empty: none
  std::string scope = "container";  // whose limit: container, nested, pod, ancestor, host
  std::string pod;                  // "default/web"; empty: a cgroup that others made
  std::string container;
  std::string cgroup;
  std::string action;   // "kill-container", "hold", "raise", ...
  std::string outcome;  // done, failed, dry-run, guarded
  std::string detail;   // why it failed, what it was raised to
  std::optional<pid_t> victim;
  std::string victim_task;     // the kernel's name for it; empty: not known
  std::string victim_command;  // its command line, or its name where it had none any more; empty: not known
  std::optional<Bytes> limit, effective_limit, usage, peak;
  std::string effective_by;                          // the cgroup with the tightest limit
  std::vector<collectors::ProcessMemory> processes;  // seen shortly before the victim died, the largest first
  std::size_t process_count = 0;  // number of all processes when the record was made; only the largest are listed
  std::string memory_stat;        // as the kernel wrote it
  std::string pressure;           // memory.pressure, the same
  struct UsagePoint {
    std::chrono::nanoseconds before{};  // the event
    Bytes usage;
  };
  std::vector<UsagePoint> history;
  std::vector<Neighbour> neighbours;
  std::vector<Candidate> candidates;
  // Steps taken, with the time since the kernel's event.
  std::vector<std::pair<std::string, std::chrono::nanoseconds>> steps;
};

[[nodiscard]] nlohmann::ordered_json to_json(const ForensicRecord& record);

// For a person: "dd: sh -c dd if=/dev/zero of=/x"; "dd" where that is all there is to say.
[[nodiscard]] std::string victim_text(const ForensicRecord& record);

}  // namespace mete::agent
