// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "collectors/metrics.h"

namespace mete::collectors {
namespace {

using M = MemorySample;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <auto kMember>
Value of(const Series& s) {
  return s.sample.memory.*kMember;
}

// 0 stands for unlimited: the rules that divide by it filter by "> 0", as with cAdvisor.
Value limit(const Series& s, const SizeLimit& size) {
  if (!s.with_settings || !size) return {};
  return Value(size->value_or(Bytes(0)));
}

constexpr std::string_view kFailures =
    "Page faults: memory.stat pgfault and pgmajfault, nested cgroups included in both scopes.";

constexpr std::array<MetricRow, 27> kRows = {{
    {"container_memory_usage_bytes", "Memory in use, page cache included: memory.usage_in_bytes, or memory.current.",
     kGauge, "", of<&M::usage>},
    {"container_memory_max_usage_bytes", "The most ever in use: memory.max_usage_in_bytes, or memory.peak.", kGauge, "",
     of<&M::max_usage>},
    {"container_memory_working_set_bytes", "Usage less inactive_file of memory.stat: what cannot be dropped at once.",
     kGauge, "", [](const Series& s) -> Value { return s.sample.memory.working_set(); }},
    {"container_memory_rss", "Anonymous memory in bytes: memory.stat total_rss, or anon.", kGauge, "", of<&M::rss>},
    {"container_memory_cache", "Page cache in bytes: memory.stat total_cache, or file.", kGauge, "", of<&M::cache>},
    {"container_memory_mapped_file", "Mapped page cache in bytes: memory.stat total_mapped_file, or file_mapped.",
     kGauge, "", of<&M::mapped_file>},
    {"container_memory_swap", "Swap in bytes: memory.stat total_swap, or memory.swap.current.", kGauge, "",
     of<&M::swap>},
    {"container_memory_kernel_usage", "Kernel memory in bytes: memory.kmem.usage_in_bytes, or memory.stat kernel.",
     kGauge, "", of<&M::kernel_usage>},
    {"container_memory_total_active_file_bytes", "Active page cache: memory.stat total_active_file, or active_file.",
     kGauge, "", of<&M::active_file>},
    {"container_memory_total_inactive_file_bytes",
     "Inactive page cache: memory.stat total_inactive_file, or inactive_file.", kGauge, "", of<&M::inactive_file>},
    {"container_memory_file_dirty_bytes", "Page cache to be written: memory.stat total_dirty, or file_dirty.", kGauge,
     "", of<&M::dirty>},
    {"container_memory_file_writeback_bytes",
     "Page cache being written: memory.stat total_writeback, or file_writeback.", kGauge, "", of<&M::writeback>},
    // Untyped: a counter would have to end in _total, and the name is the one its users know.
    {"container_memory_failcnt", "How often the limit was hit: memory.failcnt (cgroup v1).", MetricType::kUntyped, "",
     of<&M::failcnt>},
    {"container_memory_failures_total", kFailures, kCounter, R"(failure_type="pgfault",scope="container")",
     of<&M::page_faults>},
    {"container_memory_failures_total", kFailures, kCounter, R"(failure_type="pgfault",scope="hierarchy")",
     of<&M::page_faults>},
    {"container_memory_failures_total", kFailures, kCounter, R"(failure_type="pgmajfault",scope="container")",
     of<&M::major_page_faults>},
    {"container_memory_failures_total", kFailures, kCounter, R"(failure_type="pgmajfault",scope="hierarchy")",
     of<&M::major_page_faults>},
    {"container_memory_events_high_total", "Times throttled above memory.high: memory.events high.", kCounter, "",
     of<&M::events_high>},
    {"container_memory_events_max_total", "Times the limit was about to be passed: memory.events max.", kCounter, "",
     of<&M::events_max>},
    {"container_oom_events_total",
     "OOM kills, a kill of the whole group counted once: memory.oom_control or memory.events.", kCounter, "",
     [](const Series& s) -> Value { return s.sample.memory.oom_kill_events(); }},
    {"container_memory_pgscan_total", "Pages scanned by reclaim: memory.stat pgscan.", kCounter, "", of<&M::scanned>},
    {"container_memory_pgsteal_total", "Pages reclaimed: memory.stat pgsteal.", kCounter, "", of<&M::stolen>},
    {"container_memory_workingset_refault_file_total",
     "Dropped page cache read again: memory.stat workingset_refault_file.", kCounter, "", of<&M::refault_file>},
    {"container_memory_workingset_refault_anon_total", "Swapped pages read again: memory.stat workingset_refault_anon.",
     kCounter, "", of<&M::refault_anon>},
    {"container_spec_memory_limit_bytes", "Memory limit, 0 without one: memory.limit_in_bytes, or memory.max.", kGauge,
     "", [](const Series& s) { return limit(s, s.sample.memory.limit); }},
    {"container_spec_memory_swap_limit_bytes",
     "Swap limit, 0 without one: memory.memsw.limit_in_bytes (memory and swap), or memory.swap.max (swap).", kGauge, "",
     [](const Series& s) {
       return limit(s, s.sample.memory.memsw_limit ? s.sample.memory.memsw_limit : s.sample.memory.swap_limit);
     }},
    {"container_spec_memory_reservation_limit_bytes",
     "Memory soft limit, 0 without one: memory.soft_limit_in_bytes, or memory.low.", kGauge, "",
     [](const Series& s) { return limit(s, s.sample.memory.soft_limit); }},
}};

}  // namespace

std::span<const MetricRow> memory_rows() {
  return kRows;
}

}  // namespace mete::collectors
