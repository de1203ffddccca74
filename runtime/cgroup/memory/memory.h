// SPDX-License-Identifier: Apache-2.0
// A cgroup's memory: usage, limits, page cache, pressure. Each call reads one file, unless its comment says otherwise.
// An empty value: the group is gone, the machine has no such number, or (for a limit) there is no limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/base/units.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/memory/psi_trigger.h"
#include "runtime/fd.h"

namespace mete::runtime::cgroup {

// memory.usage_in_bytes; memory.current. Groups below it included, page cache included.
[[nodiscard]] Result<Bytes> memory_usage(const Group& group);
// The highest usage so far: memory.max_usage_in_bytes; memory.peak (kernel 5.19).
[[nodiscard]] std::optional<Bytes> memory_peak(const Group& group);
// Its own limit: memory.limit_in_bytes; memory.max. Empty: unlimited.
[[nodiscard]] std::optional<Bytes> memory_limit(const Group& group);
// Pure: the text of such a file. Empty: "max", "-1", and v1's largest number.
[[nodiscard]] std::optional<Bytes> parse_memory_limit(std::string_view text);

// The present memory.high (Limits::memory_high). Empty: not set, or not supported by this machine.
[[nodiscard]] std::optional<Bytes> memory_high(const Group& group);
// How often usage was above memory.high, so that tasks had to reclaim or wait: `high` of memory.events.
[[nodiscard]] std::optional<std::uint64_t> times_above_memory_high(const Group& group);
// The write that removes memory.high. Only where has_memory_high().
[[nodiscard]] ControlWrite no_memory_high();
// The setting's name for messages.
inline constexpr std::string_view kMemoryHigh = "memory.high";

// The kernel's own table, for a record: lines "key value".
[[nodiscard]] Result<std::string> memory_stat(const Group& group);
// Page cache and slab that the kernel can give back, groups below it included.
[[nodiscard]] std::optional<Bytes> page_cache(const Group& group);
// Usage without inactive page cache, which the kernel reclaims first: about the memory that the end of the group would
// free. Reads two files. 0: unknown.
[[nodiscard]] Bytes working_set(const Group& group);

// The text of its memory pressure (PSI) for a record; empty where this machine has none.
[[nodiscard]] std::string memory_pressure(const Group& group);
// open_psi_trigger() for the group's memory pressure. EOPNOTSUPP: this machine has no cgroup2.
[[nodiscard]] Result<UniqueFd> memory_pressure_trigger(const Group& group, const PsiTrigger& trigger);

// True for the name of the file that holds the limit, on either version.
[[nodiscard]] bool is_memory_limit(std::string_view file);

}  // namespace mete::runtime::cgroup
