// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/memory/memory.h"

#include <fcntl.h>

#include "runtime/cgroup/text.h"
#include "runtime/file.h"

namespace mete::runtime::cgroup {
namespace {

constexpr const char* kLimitV1 = "memory.limit_in_bytes";
constexpr const char* kLimitV2 = "memory.max";
constexpr std::size_t kPressureText = 4096;

// The file of the version that has the memory controller.
Result<std::string> read_either(const Group& group, const char* v1, const char* v2) {
  return group.read("memory", group.hierarchies().on_v1("memory") ? v1 : v2);
}

Bytes bytes_of(std::uint64_t number) {
  return Bytes(static_cast<std::int64_t>(number));
}

// memory.stat of v1 has the group's own pages by the plain key, and with the groups below it by "total_".
std::uint64_t with_nested(const Group& group, std::string_view stat, std::string_view key) {
  if (!group.hierarchies().on_v1("memory")) return value_of(stat, key).value_or(0);
  return value_of(stat, "total_" + std::string(key)).value_or(0);
}

}  // namespace

Result<Bytes> memory_usage(const Group& group) {
  METE_TRY(const std::string text, read_either(group, "memory.usage_in_bytes", "memory.current"));
  return bytes_of(parse_u64(trim(text)).value_or(0));
}

std::optional<Bytes> memory_peak(const Group& group) {
  const auto text = read_either(group, "memory.max_usage_in_bytes", "memory.peak");
  const auto number = text ? parse_u64(trim(*text)) : std::nullopt;
  return number ? std::optional(bytes_of(*number)) : std::nullopt;
}

std::optional<Bytes> memory_limit(const Group& group) {
  const auto text = read_either(group, kLimitV1, kLimitV2);
  return text ? parse_memory_limit(*text) : std::nullopt;
}

std::optional<Bytes> parse_memory_limit(std::string_view text) {
  const auto number = parse_u64(trim(text));
  if (!number || is_v1_unlimited(*number)) return std::nullopt;
  return bytes_of(*number);
}

std::optional<Bytes> memory_high(const Group& group) {
  if (group.hierarchies().on_v1("memory")) return std::nullopt;
  const auto text = group.read("memory", std::string(kMemoryHigh));
  const auto number = text ? parse_u64(trim(*text)) : std::nullopt;  // "max": none
  return number ? std::optional(bytes_of(*number)) : std::nullopt;
}

std::optional<std::uint64_t> times_above_memory_high(const Group& group) {
  if (group.hierarchies().on_v1("memory")) return std::nullopt;
  const auto text = group.read("memory", "memory.events");
  return text ? value_of(*text, "high") : std::nullopt;
}

ControlWrite no_memory_high() {
  return {"memory", std::string(kMemoryHigh), "max"};
}

Result<std::string> memory_stat(const Group& group) {
  return group.read("memory", "memory.stat");
}

std::optional<Bytes> page_cache(const Group& group) {
  const auto stat = memory_stat(group);
  if (!stat) return std::nullopt;
  return bytes_of(with_nested(group, *stat, "inactive_file") + with_nested(group, *stat, "active_file") +
                  value_of(*stat, "slab_reclaimable").value_or(0));  // not of v1
}

Bytes working_set(const Group& group) {
  const auto text = read_either(group, "memory.usage_in_bytes", "memory.current");
  const auto stat = memory_stat(group);
  const std::uint64_t usage = text ? parse_u64(trim(*text)).value_or(0) : 0;
  const std::uint64_t inactive = stat ? with_nested(group, *stat, "inactive_file") : 0;
  return bytes_of(usage > inactive ? usage - inactive : 0);
}

std::string memory_pressure(const Group& group) {
  const std::string unified = group.unified_directory();
  if (unified.empty()) return {};
  return read_file(AT_FDCWD, unified + "/memory.pressure", kPressureText).value_or("");
}

Result<UniqueFd> memory_pressure_trigger(const Group& group, const PsiTrigger& trigger) {
  const std::string unified = group.unified_directory();
  if (unified.empty()) return fail_errno(group.path() + ": memory pressure: found no cgroup2", EOPNOTSUPP);
  return open_psi_trigger(unified + "/memory.pressure", trigger);
}

bool is_memory_limit(std::string_view file) {
  return file == kLimitV1 || file == kLimitV2;
}

}  // namespace mete::runtime::cgroup
