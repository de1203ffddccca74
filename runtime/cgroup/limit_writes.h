// SPDX-License-Identifier: Apache-2.0
// Limits to control-file writes: a pure function, so that all of it is tested without a kernel.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits.h"

namespace mete::runtime::cgroup {

struct ControlWrite {
  std::string controller;  // "memory": says in which hierarchy's directory the file is
  std::string file;        // "memory.limit_in_bytes"
  std::string text;        // what is written
  bool operator==(const ControlWrite&) const = default;
};

// What the group has now, as far as the writes depend on it. Empty: not known, or this machine has no such file.
struct Present {
  std::optional<Limit<Bytes>> memory;
  std::optional<Limit<Bytes>> memory_and_swap;  // v1 only
  std::optional<Limit<std::chrono::microseconds>> cpu_quota;
  std::optional<std::chrono::microseconds> cpu_period;
  std::optional<std::chrono::microseconds> cpu_burst;
  std::optional<CpuBandwidth> rt;  // v1 only: realtime
  bool cpu_nested = false;         // v1 only: there are groups below it, whose shares bound its own from below
};

// What a group has that was just made. Where it is on v1 or v2 makes no difference.
[[nodiscard]] Present fresh_group();

// The writes, in an order in which the kernel accepts each, and in which no limit is for a moment above or below both
// what it was and what it will be: v1 memsw before memory when it is raised and after it when lowered; quota and period
// as in bandwidth_steps.h; the burst down before the quota changes and up after it. What is not known of `present` is
// taken for unlimited. Fails, naming the controller and what was asked, when this machine has no such controller, or
// the number is outside what the kernel takes.
[[nodiscard]] Result<std::vector<ControlWrite>> plan_writes(const Limits& limits, const Hierarchies& hierarchies,
                                                            const Present& present = {});

// What reading each file must show after plan_writes' writes, as the kernel rounds and formats: memory limits in whole
// pages, "max" or v1's largest number for unlimited. `page` is the page size. One entry a file.
[[nodiscard]] Result<std::vector<ControlWrite>> plan_reads(const Limits& limits, const Hierarchies& hierarchies,
                                                           Bytes page);

// io.max and the like: what is written is about the disk that it begins with ("8:0 ...").
[[nodiscard]] bool has_a_line_for_each_disk(std::string_view file);

// True when the two texts mean the same to the kernel: white space at the ends, and list formats of cpuset
// ("0,1,2" and "0-2").
[[nodiscard]] bool same_setting(const std::string& file, std::string_view expected, std::string_view found);

}  // namespace mete::runtime::cgroup
