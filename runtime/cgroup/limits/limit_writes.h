// SPDX-License-Identifier: Apache-2.0
// Translates Limits into writes of control files, as a pure function, so that all of it is tested without a kernel.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/cgroup/limits/limits.h"

namespace mete::runtime::cgroup {

struct ControlWrite {
  std::string controller;  // "memory": says in which hierarchy's directory the file is
  std::string file;        // "memory.limit_in_bytes"
  std::string text;        // the text to write
  bool operator==(const ControlWrite&) const = default;
};

// The present values of a group, as far as writes depend on them. Empty: not known, or this machine has no such file.
struct Present {
  std::optional<Limit<Bytes>> memory;
  std::optional<Limit<Bytes>> memory_and_swap;  // v1 only
  std::optional<Limit<std::chrono::microseconds>> cpu_quota;
  std::optional<std::chrono::microseconds> cpu_period;
  std::optional<std::chrono::microseconds> cpu_burst;
  std::optional<CpuBandwidth> rt;  // v1 only: realtime
  bool cpu_nested = false;         // v1 only: there are groups below it, whose shares bound its own from below
};

// The values of a group that was just made, the same on v1 and v2.
[[nodiscard]] Present fresh_group();

// Plans the writes that set `limits`. The kernel accepts each write in this order, and at no moment is a limit above or
// below both its old and its new value. So v1's memsw is written before memory when it is raised, and after memory when
// it is lowered; quota and period follow bandwidth_steps.h; the burst is lowered before the quota changes, and raised
// after it. A value that `present` does not have counts as unlimited. An error names the controller and the limit: this
// machine has no such controller, or the kernel does not accept the number.
[[nodiscard]] Result<std::vector<ControlWrite>> plan_writes(const Limits& limits, const Hierarchies& hierarchies,
                                                            const Present& present = {});

// The text that each file must show after the writes of plan_writes(), rounded and formatted as the kernel does: memory
// limits in whole pages, "max" or v1's largest number for unlimited. `page` is the page size. One entry per file.
[[nodiscard]] Result<std::vector<ControlWrite>> plan_reads(const Limits& limits, const Hierarchies& hierarchies,
                                                           Bytes page);

// True for io.max and the like: a written line begins with a disk ("8:0 ...") and changes the line of this disk only.
[[nodiscard]] bool has_a_line_for_each_disk(std::string_view file);

// True when the two texts mean the same to the kernel: white space at the ends, and list formats of cpuset
// ("0,1,2" and "0-2").
[[nodiscard]] bool same_setting(const std::string& file, std::string_view expected, std::string_view found);

}  // namespace mete::runtime::cgroup
