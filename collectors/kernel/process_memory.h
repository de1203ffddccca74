// SPDX-License-Identifier: Apache-2.0
// The memory of a process as the kernel's OOM killer counts it: /proc/PID/status, cmdline, oom_score_adj.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/units.h"

namespace mete::collectors {

struct ProcessMemory {
  pid_t pid = 0;
  std::string task;     // the kernel's name for it (comm), at most 15 bytes
  std::string command;  // its arguments, at most 256 bytes; the kernel's name for it in brackets when it has none
  Bytes rss, anon, file, shmem, swap, page_tables;
  int oom_score_adj = 0;
};

// Pure: parses the text of /proc/PID/status. False when the text is none. A process that is exiting has no memory
// lines.
bool parse_process_status(std::string_view text, ProcessMemory& into);
// Pure: the text of /proc/PID/cmdline as one line.
[[nodiscard]] std::string command_line_of(std::string_view cmdline);

// The `most` largest of `pids` by resident memory, in descending order. Processes that have exited are left out; pids
// beyond the first 4096 are not read.
[[nodiscard]] std::vector<ProcessMemory> read_processes(std::span<const pid_t> pids, std::size_t most,
                                                        const std::string& proc = "/proc");

}  // namespace mete::collectors
