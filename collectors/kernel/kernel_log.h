// SPDX-License-Identifier: Apache-2.0
// What the kernel's OOM killer says in its log (mm/oom_kill.c), from records as /dev/kmsg gives them
// (Documentation/ABI/testing/dev-kmsg). The only place that names the victim's pid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/units.h"

namespace mete::collectors {

// "oom-kill:constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=python3,pid=7,uid=0". Rate-limited by the
// kernel: it may be missing.
struct OomChoice {
  std::string oom_memcg;   // whose limit was reached; empty: the machine's own memory
  std::string task_memcg;  // where the victim is
  std::string task;        // its command name, at most 15 characters
  std::int32_t pid = 0;
};

// "Memory cgroup out of memory: Killed process 7 (python3) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:0kB,
// ..."
struct OomKill {
  std::int32_t pid = 0;
  std::string task;
  Bytes anon_rss;
  bool of_cgroup = false;  // "Memory cgroup out of memory"; false: the machine ran out
};

// The text after "priority,sequence,time,flags;", without the continuation lines. Empty: not a kernel message (facility
// 0), or cut: programs may write to /dev/kmsg too, and must not be believed.
[[nodiscard]] std::optional<std::string_view> kernel_message(std::string_view record);

[[nodiscard]] std::optional<OomChoice> parse_oom_choice(std::string_view message);
[[nodiscard]] std::optional<OomKill> parse_oom_kill(std::string_view message);

}  // namespace mete::collectors
