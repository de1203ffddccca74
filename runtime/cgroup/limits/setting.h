// SPDX-License-Identifier: Apache-2.0
// Leads from the name of a control file back to the field of Limits that it holds, for explanations and for restoring
// files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mete::runtime::cgroup {

enum class Setting : std::uint8_t {
  kOther,      // none of these
  kCpuWeight,  // Limits::cpu_shares
  kCpuQuota,   // with its period on v2
  kCpuPeriod,  // v1
  kCpuBurst,
  kCpuIdle,
  kCpus,  // Limits::cpuset_cpus
  kMemory,
  kSwap,        // on v1 with the memory limit in it
  kProtection,  // Limits::memory_min, Limits::memory_soft
  kOom,         // what happens at the memory limit: oom_group, oom_kill_disable, memory_high
  kPids,
  kHugePages,
  kIo,
  kNetClass,
};

// `file` of either version: "memory.limit_in_bytes".
[[nodiscard]] Setting setting_of(std::string_view file);

// Pure: the text to write to `file` later so that it holds again the content `shown`. `disk`: in a file with a line per
// disk, the disk ("8:0") whose line is restored; else empty. A disk without a line has no limit, and gets the text for
// "no limit".
[[nodiscard]] std::string restoring_text(const std::string& file, const std::string& disk, std::string_view shown);

}  // namespace mete::runtime::cgroup
