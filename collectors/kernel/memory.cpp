// SPDX-License-Identifier: Apache-2.0
// Controller memory. memory.stat on v1 is read by its total_ keys, which include nested groups as v2's keys do.
#include "collectors/kernel/collector.h"
#include "collectors/kernel/parse.h"

namespace mete::collectors {
namespace {

using M = MemorySample;
using Field = KeyField<MemorySample>;

// In the kernel's order of printing.
constexpr std::array<Field, 17> kStatV1 = {{
    {.key = "total_cache", .size = &M::cache},
    {.key = "total_rss", .size = &M::rss},
    {.key = "total_rss_huge", .size = &M::anon_huge},
    {.key = "total_shmem", .size = &M::shmem},
    {.key = "total_mapped_file", .size = &M::mapped_file},
    {.key = "total_dirty", .size = &M::dirty},
    {.key = "total_writeback", .size = &M::writeback},
    {.key = "total_workingset_refault_anon", .count = &M::refault_anon},
    {.key = "total_workingset_refault_file", .count = &M::refault_file},
    {.key = "total_swap", .size = &M::swap},
    {.key = "total_pgfault", .count = &M::page_faults},
    {.key = "total_pgmajfault", .count = &M::major_page_faults},
    {.key = "total_inactive_anon", .size = &M::inactive_anon},
    {.key = "total_active_anon", .size = &M::active_anon},
    {.key = "total_inactive_file", .size = &M::inactive_file},
    {.key = "total_active_file", .size = &M::active_file},
    {.key = "total_unevictable", .size = &M::unevictable},
}};

constexpr std::array<Field, 27> kStatV2 = {{
    {.key = "anon", .size = &M::rss},
    {.key = "file", .size = &M::cache},
    {.key = "kernel", .size = &M::kernel_usage},
    {.key = "kernel_stack", .size = &M::kernel_stack},
    {.key = "pagetables", .size = &M::pagetables},
    {.key = "percpu", .size = &M::percpu},
    {.key = "sock", .size = &M::sock},
    {.key = "vmalloc", .size = &M::vmalloc},
    {.key = "shmem", .size = &M::shmem},
    {.key = "zswap", .size = &M::zswap},
    {.key = "zswapped", .size = &M::zswapped},
    {.key = "file_mapped", .size = &M::mapped_file},
    {.key = "file_dirty", .size = &M::dirty},
    {.key = "file_writeback", .size = &M::writeback},
    {.key = "anon_thp", .size = &M::anon_huge},
    {.key = "inactive_anon", .size = &M::inactive_anon},
    {.key = "active_anon", .size = &M::active_anon},
    {.key = "inactive_file", .size = &M::inactive_file},
    {.key = "active_file", .size = &M::active_file},
    {.key = "unevictable", .size = &M::unevictable},
    {.key = "slab", .size = &M::slab},
    {.key = "workingset_refault_anon", .count = &M::refault_anon},
    {.key = "workingset_refault_file", .count = &M::refault_file},
    {.key = "pgscan", .count = &M::scanned},
    {.key = "pgsteal", .count = &M::stolen},
    {.key = "pgfault", .count = &M::page_faults},
    {.key = "pgmajfault", .count = &M::major_page_faults},
}};

constexpr std::array<Field, 6> kEvents = {{
    {.key = "low", .count = &M::events_low},
    {.key = "high", .count = &M::events_high},
    {.key = "max", .count = &M::events_max},
    {.key = "oom", .count = &M::events_oom},
    {.key = "oom_kill", .count = &M::oom_kills},
    {.key = "oom_group_kill", .count = &M::events_oom_group_kill},
}};

constexpr std::array<KeyField<MemoryEvents>, 6> kLocalEvents = {{
    {.key = "low", .count = &MemoryEvents::low},
    {.key = "high", .count = &MemoryEvents::high},
    {.key = "max", .count = &MemoryEvents::max},
    {.key = "oom", .count = &MemoryEvents::oom},
    {.key = "oom_kill", .count = &MemoryEvents::oom_kill},
    {.key = "oom_group_kill", .count = &MemoryEvents::oom_group_kill},
}};

constexpr std::array<KeyField<MemoryMore>, 3> kSwapEvents = {{
    {.key = "high", .count = &MemoryMore::swap_high},
    {.key = "max", .count = &MemoryMore::swap_max},
    {.key = "fail", .count = &MemoryMore::swap_fail},
}};

// v1 omits the total_ keys only with use_hierarchy 0, which kernels since 5.11 no longer have.
bool stat_v1(std::string_view text, Sample& into) {
  const std::size_t totals = text.find("\ntotal_");
  return totals == std::string_view::npos || parse_keys(text.substr(totals + 1), kStatV1, into.memory);
}
bool stat_v2(std::string_view text, Sample& into) {
  return parse_keys(text, kStatV2, into.memory);
}
bool events(std::string_view text, Sample& into) {
  return parse_keys(text, kEvents, into.memory);
}

bool local_events(std::string_view text, Sample& into) {
  return parse_keys(text, kLocalEvents, into.memory.more.make().local);
}
bool swap_events(std::string_view text, Sample& into) {
  return parse_keys(text, kSwapEvents, into.memory.more.make());
}
bool swap_peak(std::string_view text, Sample& into) {
  return parse_size(text, into.memory.more.make().swap_peak);
}

bool oom_control(std::string_view text, Sample& into) {
  return for_each_key(text, [&](std::string_view key, std::uint64_t number) {
    if (key == "oom_kill_disable") into.memory.oom_kill_disable = number != 0;
    if (key == "under_oom") into.memory.under_oom = number != 0;
    if (key == "oom_kill") into.memory.oom_kills = number;
  });
}

bool oom_group(std::string_view text, Sample& into) {
  const auto number = parse_u64(trim(text));
  if (number) into.memory.oom_group = *number != 0;
  return number.has_value();
}

template <Size M::*kMember>
bool size(std::string_view text, Sample& into) {
  return parse_size(text, into.memory.*kMember);
}
template <SizeLimit M::*kMember>
bool limit(std::string_view text, Sample& into) {
  return parse_limit(text, into.memory.*kMember);
}
bool failcnt(std::string_view text, Sample& into) {
  return parse_count(text, into.memory.failcnt);
}

constexpr std::array<SourceFile, 24> kFiles = {{
    {Where::kV1, "memory", "memory.usage_in_bytes", size<&M::usage>},
    {Where::kV1, "memory", "memory.max_usage_in_bytes", size<&M::max_usage>, When::kRunning},
    {Where::kV1, "memory", "memory.memsw.usage_in_bytes", size<&M::memsw_usage>, When::kRunning},
    {Where::kV1, "memory", "memory.kmem.usage_in_bytes", size<&M::kernel_usage>, When::kRunning},
    {Where::kV1, "memory", "memory.failcnt", failcnt, When::kRunning},
    {Where::kV1, "memory", "memory.oom_control", oom_control, When::kRunning},
    {Where::kV1, "memory", "memory.stat", stat_v1, When::kRunning},
    {Where::kV1, "memory", "memory.limit_in_bytes", limit<&M::limit>, When::kSetting},
    {Where::kV1, "memory", "memory.memsw.limit_in_bytes", limit<&M::memsw_limit>, When::kSetting},
    {Where::kV1, "memory", "memory.soft_limit_in_bytes", limit<&M::soft_limit>, When::kSetting},
    {Where::kV2, "memory", "memory.current", size<&M::usage>},
    {Where::kV2, "memory", "memory.peak", size<&M::max_usage>, When::kRunning},
    {Where::kV2, "memory", "memory.swap.current", size<&M::swap>, When::kRunning},
    {Where::kV2, "memory", "memory.events", events},
    {Where::kV2, "memory", "memory.stat", stat_v2, When::kRunning},
    {Where::kV2, "memory", "memory.max", limit<&M::limit>, When::kSetting},
    {Where::kV2, "memory", "memory.swap.max", limit<&M::swap_limit>, When::kSetting},
    {Where::kV2, "memory", "memory.low", limit<&M::soft_limit>, When::kSetting},
    {Where::kV2, "memory", "memory.high", limit<&M::high>, When::kSetting},
    {Where::kV2, "memory", "memory.min", limit<&M::min>, When::kSetting},
    {Where::kV2, "memory", "memory.oom.group", oom_group, When::kSetting},
    // These come in addition to memory.events: a kill in a nested group is the container's kill too.
    {Where::kV2, "memory", "memory.events.local", local_events, When::kSetting},
    {Where::kV2, "memory", "memory.swap.events", swap_events, When::kSetting},
    {Where::kV2, "memory", "memory.swap.peak", swap_peak, When::kSetting},
}};

}  // namespace

std::span<const SourceFile> memory_files() {
  return kFiles;
}

}  // namespace mete::collectors
