// SPDX-License-Identifier: Apache-2.0
// Parses what the kernel's OOM killer logs (mm/oom_kill.c), in records as read from /dev/kmsg
// (Documentation/ABI/testing/dev-kmsg). Only this log names the victim's pid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/units.h"

namespace mete::collectors {

// One line of the OOM killer:
// "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=python3,pid=7,uid=0". The kernel
// rate-limits the line, so it may be missing.
struct OomChoice {
  std::string oom_memcg;   // the cgroup whose limit was reached; empty: the machine ran out of memory
  std::string task_memcg;  // the victim's cgroup
  std::string task;        // the victim's command name, at most 15 characters
  std::int32_t pid = 0;
};

// One line of the OOM killer: "Memory cgroup out of memory: Killed process 7 (python3) total-vm:1kB, anon-rss:2kB,
// file-rss:3kB, shmem-rss:0kB, ..."
struct OomKill {
  std::int32_t pid = 0;
  std::string task;
  Bytes anon_rss;
  bool of_cgroup = false;  // "Memory cgroup out of memory"; false: the machine ran out
};

// The text of a record after "priority,sequence,time,flags;", without its continuation lines. Empty: the record is cut,
// or its facility is not 0 (the kernel's). Programs may write to /dev/kmsg too, and their records must not be believed.
[[nodiscard]] std::optional<std::string_view> kernel_message(std::string_view record);

[[nodiscard]] std::optional<OomChoice> parse_oom_choice(std::string_view message);
[[nodiscard]] std::optional<OomKill> parse_oom_kill(std::string_view message);

}  // namespace mete::collectors
