// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

using M = MemorySample;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;
constexpr std::string_view kCollector = "memory";

template <auto kMember>
void of(Lines& out, const Series& s) {
  out.add(s.sample->memory.*kMember);
}

// 0 stands for unlimited: the rules that divide by it filter by "> 0", as with cAdvisor.
void limit(Lines& out, const Series& s, const SizeLimit& size) {
  if (s.with_settings && size) out.add(size->value_or(Bytes(0)));
}

void failures(Lines& out, const Series& s) {
  const M& memory = s.sample->memory;
  out.add(memory.page_faults, R"(failure_type="pgfault",scope="container")");
  out.add(memory.page_faults, R"(failure_type="pgfault",scope="hierarchy")");
  out.add(memory.major_page_faults, R"(failure_type="pgmajfault",scope="container")");
  out.add(memory.major_page_faults, R"(failure_type="pgmajfault",scope="hierarchy")");
}

constexpr auto kFamilies = std::to_array<Family>({
    {kCollector, "container_memory_usage_bytes", kGauge, "Memory in use, page cache included", "",
     "memory.usage_in_bytes", "memory.current", of<&M::usage>},
    {kCollector, "container_memory_max_usage_bytes", kGauge, "The most ever in use", "", "memory.max_usage_in_bytes",
     "memory.peak", of<&M::max_usage>},
    {kCollector, "container_memory_working_set_bytes", kGauge, "Usage less inactive_file: what cannot be dropped at once",
     "", "memory.usage_in_bytes, memory.stat total_inactive_file", "memory.current, memory.stat inactive_file",
     [](Lines& out, const Series& s) { out.add(s.sample->memory.working_set()); }},
    {kCollector, "container_memory_rss", kGauge, "Anonymous memory in bytes", "", "memory.stat total_rss",
     "memory.stat anon", of<&M::rss>},
    {kCollector, "container_memory_cache", kGauge, "Page cache in bytes", "", "memory.stat total_cache",
     "memory.stat file", of<&M::cache>},
    {kCollector, "container_memory_mapped_file", kGauge, "Mapped page cache in bytes", "",
     "memory.stat total_mapped_file", "memory.stat file_mapped", of<&M::mapped_file>},
    {kCollector, "container_memory_swap", kGauge, "Swap in bytes", "", "memory.stat total_swap", "memory.swap.current",
     of<&M::swap>},
    {kCollector, "container_memory_kernel_usage", kGauge, "Kernel memory in bytes", "", "memory.kmem.usage_in_bytes",
     "memory.stat kernel", of<&M::kernel_usage>},
    {kCollector, "container_memory_total_active_file_bytes", kGauge, "Active page cache", "",
     "memory.stat total_active_file", "memory.stat active_file", of<&M::active_file>},
    {kCollector, "container_memory_total_inactive_file_bytes", kGauge, "Inactive page cache", "",
     "memory.stat total_inactive_file", "memory.stat inactive_file", of<&M::inactive_file>},
    {kCollector, "container_memory_file_dirty_bytes", kGauge, "Page cache to be written", "", "memory.stat total_dirty",
     "memory.stat file_dirty", of<&M::dirty>},
    {kCollector, "container_memory_file_writeback_bytes", kGauge, "Page cache being written", "",
     "memory.stat total_writeback", "memory.stat file_writeback", of<&M::writeback>},
    // Untyped: a counter's name would have to end in _total, and users' queries contain this name.
    {kCollector, "container_memory_failcnt", MetricType::kUntyped, "How often the limit was hit", "", "memory.failcnt",
     "", of<&M::failcnt>},
    {kCollector, "container_memory_failures_total", kCounter,
     "Page faults, nested cgroups included in both scopes", "failure_type,scope",
     "memory.stat total_pgfault, total_pgmajfault", "memory.stat pgfault, pgmajfault", failures},
    {kCollector, "container_memory_events_high_total", kCounter, "Times throttled above memory.high", "", "",
     "memory.events high", of<&M::events_high>},
    {kCollector, "container_memory_events_max_total", kCounter, "Times the limit was about to be passed", "", "",
     "memory.events max", of<&M::events_max>},
    {kCollector, "container_oom_events_total", kCounter,
     "OOM kills in the cgroup and in those below it, a kill of a whole group counted once; on v1, of a cgroup that mete "
     "did not launch, in the cgroup alone",
     "", "memory.oom_control oom_kill, also of the cgroups below", "memory.events and memory.events.local: oom, "
     "oom_kill, oom_group_kill, also of all ancestors", of<&M::oom_events>},
    {kCollector, "container_memory_pgscan_total", kCounter, "Pages scanned by reclaim", "", "", "memory.stat pgscan",
     of<&M::scanned>},
    {kCollector, "container_memory_pgsteal_total", kCounter, "Pages reclaimed", "", "", "memory.stat pgsteal",
     of<&M::stolen>},
    {kCollector, "container_memory_workingset_refault_file_total", kCounter, "Dropped page cache read again", "",
     "memory.stat total_workingset_refault_file", "memory.stat workingset_refault_file", of<&M::refault_file>},
    {kCollector, "container_memory_workingset_refault_anon_total", kCounter, "Swapped pages read again", "",
     "memory.stat total_workingset_refault_anon", "memory.stat workingset_refault_anon", of<&M::refault_anon>},
    {kCollector, "container_spec_memory_limit_bytes", kGauge, "Memory limit, 0 without one", "",
     "memory.limit_in_bytes", "memory.max",
     [](Lines& out, const Series& s) { limit(out, s, s.sample->memory.limit); }},
    {kCollector, "container_spec_memory_swap_limit_bytes", kGauge,
     "Swap limit, 0 without one; on v1 of memory and swap together", "", "memory.memsw.limit_in_bytes",
     "memory.swap.max",
     [](Lines& out, const Series& s) {
       limit(out, s, s.sample->memory.memsw_limit ? s.sample->memory.memsw_limit : s.sample->memory.swap_limit);
     }},
    {kCollector, "container_spec_memory_reservation_limit_bytes", kGauge, "Memory soft limit, 0 without one", "",
     "memory.soft_limit_in_bytes", "memory.low",
     [](Lines& out, const Series& s) { limit(out, s, s.sample->memory.soft_limit); }},
    {kCollector, "mete_container_effective_memory_limit_bytes", kGauge,
     "Memory limit: the tightest of the cgroup, its ancestors and the machine", "",
     "memory.limit_in_bytes of all ancestors", "memory.max of all ancestors",
     [](Lines& out, const Series& s) { out.add(s.effective.memory); }},
    {kCollector, "container_memory_total_active_anon_bytes", kGauge, "Active anonymous memory", "",
     "memory.stat total_active_anon", "memory.stat active_anon", of<&M::active_anon>},
    {kCollector, "container_memory_total_inactive_anon_bytes", kGauge, "Inactive anonymous memory", "",
     "memory.stat total_inactive_anon", "memory.stat inactive_anon", of<&M::inactive_anon>},
    {kCollector, "container_memory_anon_hugepages_bytes", kGauge, "Anonymous memory in transparent huge pages", "",
     "memory.stat total_rss_huge", "memory.stat anon_thp", of<&M::anon_huge>},
});

}  // namespace

std::span<const Family> memory_families() {
  return kFamilies;
}

}  // namespace mete::collectors
