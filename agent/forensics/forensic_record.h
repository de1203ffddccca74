// SPDX-License-Identifier: Apache-2.0
// What was seen and done at one OOM kill, or one act of a policy: kept under STATE/forensics, one JSON file each.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collectors/kernel/process_memory.h"
#include "collectors/kernel/sample.h"
#include "config/units.h"
#include "enforcers/restart.h"

namespace mete::agent {

// Another cgroup beside the one concerned, as large as it was last seen.
struct Neighbour {
  std::string name;
  Bytes usage;
  std::optional<Bytes> limit;
};

// Who could have been chosen when the machine itself ran out, best choice first.
struct Candidate {
  std::string name;
  std::string reason;  // what it was ranked by, or why it is protected
  bool chosen = false;
};

struct ForensicRecord {
  std::string id;                   // set by Forensics: sorts by time
  enforcers::WallTime at{};         // of the event
  std::string rule;                 // "kernel OOM kill", "memory.at[1]: usage 90%", "memory.onOOM: hold", ...
  std::string policy;               // "default/web"; empty: none
  std::string scope = "container";  // whose limit: container, pod, ancestor, host
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
  std::string effective_by;                          // the cgroup whose limit is the tightest
  std::vector<collectors::ProcessMemory> processes;  // in the window before the victim was gone, the largest first
  std::size_t process_count = 0;  // of all, when the record was made: of many only the largest are in it
  std::string memory_stat;        // as the kernel wrote it
  std::string pressure;           // memory.pressure, the same
  struct UsagePoint {
    std::chrono::nanoseconds before{};  // the event
    Bytes usage;
  };
  std::vector<UsagePoint> history;
  std::vector<Neighbour> neighbours;
  std::vector<Candidate> candidates;
  // What was done, and when, since the kernel's event.
  std::vector<std::pair<std::string, std::chrono::nanoseconds>> steps;
};

[[nodiscard]] nlohmann::ordered_json to_json(const ForensicRecord& record);

// For a person: "dd: sh -c dd if=/dev/zero of=/x"; "dd" where that is all there is to say.
[[nodiscard]] std::string victim_text(const ForensicRecord& record);

}  // namespace mete::agent
