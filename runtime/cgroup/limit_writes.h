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

// What the group has now, as far as the order of the writes depends on it. Empty: not known (a fresh group: unlimited).
struct Present {
  std::optional<Limit<Bytes>> memory;
  std::optional<Limit<Bytes>> memory_and_swap;  // v1 only
  std::optional<std::chrono::microseconds> cpu_period;
  std::optional<std::chrono::microseconds> cpu_burst;
};

// The writes, in an order in which the kernel accepts each: v1 memsw before memory when it is raised and after it when
// lowered; cpu.cfs_burst_us out of the way while the quota changes. Fails, naming the controller and what was asked,
// when this machine has no such controller, or the number is outside what the kernel takes.
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
