// SPDX-License-Identifier: Apache-2.0
// The identity of a process: pid and start time (proc(5), /proc/PID/stat field 22). The start time tells the process
// from a later one with the same pid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::runtime::process {

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot
  bool operator==(const ProcessId&) const = default;
};

// Parses field 22 of a /proc/PID/stat text; the command in parentheses may contain any character.
[[nodiscard]] Result<std::uint64_t> parse_start_time(std::string_view stat);

// Error ESRCH or ENOENT: there is no such process.
[[nodiscard]] Result<ProcessId> identify(pid_t pid);

// Opens a pidfd of exactly this process. The start time is compared after opening, so a reused pid is an error (ESRCH)
// and never a wrong target.
[[nodiscard]] Result<UniqueFd> open_pidfd(const ProcessId& id);

[[nodiscard]] Status send_signal(const UniqueFd& pidfd, int signal);

// /proc/sys/kernel/random/boot_id, without the newline.
[[nodiscard]] Result<std::string> boot_id();

}  // namespace mete::runtime::process
