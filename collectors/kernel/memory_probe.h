// SPDX-License-Identifier: Apache-2.0
// A quick read of one cgroup's memory, for policies that watch it: 2 us for the usage alone.
#pragma once

#include <chrono>
#include <optional>

#include "collectors/kernel/sample.h"
#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/fd.h"

namespace mete::collectors {

struct MemoryMoment {
  std::chrono::steady_clock::time_point at{};
  Bytes usage;              // memory.usage_in_bytes; memory.current
  PressureSample pressure;  // memory.pressure of the group or its twin; empty when not wanted, or without PSI
  Count refaults;           // pages: workingset_refault_anon + workingset_refault_file of memory.stat
};

class MemoryProbe {
 public:
  struct Wanted {
    bool pressure = false;
    bool refaults = false;
  };
  // Opens the files and keeps them open. An error: the memory controller or the group does not exist; is_gone() tells
  // which of the two.
  [[nodiscard]] static Result<MemoryProbe> open(const runtime::cgroup::Group& group, Wanted wanted);
  // Empty: the group has been removed.
  [[nodiscard]] std::optional<MemoryMoment> read();
  [[nodiscard]] bool has_pressure() const { return pressure_.valid(); }

 private:
  runtime::UniqueFd usage_, pressure_, stat_;
  bool v1_ = false;
};

}  // namespace mete::collectors
