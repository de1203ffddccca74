// SPDX-License-Identifier: Apache-2.0
// What a process holds in memory, as the kernel's OOM killer sees it: /proc/PID/status, cmdline, oom_score_adj.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace mete::collectors {

struct ProcessMemory {
  pid_t pid = 0;
  std::string task;     // the kernel's name for it (comm), at most 15 bytes
  std::string command;  // its arguments, at most 256 bytes; the kernel's name for it in brackets when it has none
  Bytes rss, anon, file, shmem, swap, page_tables;
  int oom_score_adj = 0;
};

// Pure: the text of /proc/PID/status. False when it is none. A process that is ending has no memory lines any more.
bool parse_process_status(std::string_view text, ProcessMemory& into);
// Pure: the text of /proc/PID/cmdline as one line.
[[nodiscard]] std::string command_line_of(std::string_view cmdline);

// The largest of them by resident memory, at most `most`, in descending order. Those that are gone are left out; those
// beyond the first 4096 are not looked at.
[[nodiscard]] std::vector<ProcessMemory> read_processes(std::span<const pid_t> pids, std::size_t most,
                                                        const std::string& proc = "/proc");

}  // namespace mete::collectors
