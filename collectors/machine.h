// SPDX-License-Identifier: Apache-2.0
// What the machine has, from /proc.
#pragma once

#include <string>
#include <string_view>

#include "collectors/sample.h"
#include "config/result.h"

namespace mete::collectors {

struct Machine {
  Count cores;  // online logical CPUs: the cpuN lines of /proc/stat
  Size memory;  // MemTotal of /proc/meminfo
  Size swap;    // SwapTotal of /proc/meminfo
};

[[nodiscard]] Machine parse_machine(std::string_view stat, std::string_view meminfo);
[[nodiscard]] Result<Machine> read_machine(const std::string& proc = "/proc");

}  // namespace mete::collectors
