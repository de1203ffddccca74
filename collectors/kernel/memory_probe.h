// SPDX-License-Identifier: Apache-2.0
// A quick look at one cgroup's memory, for whoever holds it to a policy: 2 us for usage alone.
#pragma once

#include <chrono>
#include <optional>

#include "collectors/kernel/sample.h"
#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct MemoryMoment {
  std::chrono::steady_clock::time_point at{};
  Bytes usage;              // memory.usage_in_bytes; memory.current
  PressureSample pressure;  // memory.pressure of the group or its twin; empty when not asked for, or not there
  Count refaults;           // pages: workingset_refault_anon + workingset_refault_file of memory.stat
};

class MemoryProbe {
 public:
  struct Wanted {
    bool pressure = false;
    bool refaults = false;
  };
  // Keeps the files open. An error: the memory controller or the group is not there. is_gone() tells which.
  [[nodiscard]] static Result<MemoryProbe> open(const runtime::cgroup::Group& group, Wanted wanted);
  // Empty: the group is gone.
  [[nodiscard]] std::optional<MemoryMoment> read();
  [[nodiscard]] bool has_pressure() const { return pressure_.valid(); }

 private:
  runtime::UniqueFd usage_, pressure_, stat_;
  bool v1_ = false;
};

}  // namespace mete::collectors
