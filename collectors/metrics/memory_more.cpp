// SPDX-License-Identifier: Apache-2.0
// Memory beyond what cAdvisor tells of it, NUMA and huge pages.
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

using M = MemorySample;

template <auto kMember>
void of(Lines& out, const Series& s) {
  out.add(s.sample->memory.*kMember);
}

void event(Lines& out, const Count& count, std::string_view name, std::string_view scope) {
  if (!count) return;
  std::string extra = "event=\"";
  extra.append(name).append("\",scope=\"").append(scope).append("\"");
  out.add(count, extra);
}

void events(Lines& out, const Series& s) {
  const M& m = s.sample->memory;
  if (!m.events_max) return;  // v1: oom_kills comes from another file
  event(out, m.events_low, "low", "hierarchy");
  event(out, m.events_high, "high", "hierarchy");
  event(out, m.events_max, "max", "hierarchy");
  event(out, m.events_oom, "oom", "hierarchy");
  event(out, m.oom_kills, "oom_kill", "hierarchy");
  event(out, m.events_oom_group_kill, "oom_group_kill", "hierarchy");
  if (!m.more) return;
  const MemoryEvents& local = m.more->local;
  event(out, local.low, "low", "local");
  event(out, local.high, "high", "local");
  event(out, local.max, "max", "local");
  event(out, local.oom, "oom", "local");
  event(out, local.oom_kill, "oom_kill", "local");
  event(out, local.oom_group_kill, "oom_group_kill", "local");
}

void swap_events(Lines& out, const Series& s) {
  if (!s.sample->memory.more) return;
  const MemoryMore& more = *s.sample->memory.more;
  out.add(more.swap_high, R"(event="high")");
  out.add(more.swap_max, R"(event="max")");
  out.add(more.swap_fail, R"(event="fail")");
}

void pages(Lines& out, const Count& count, std::string_view type, std::string_view scope, std::uint32_t node) {
  if (!count) return;
  std::string extra = "type=\"";
  extra.append(type).append("\",scope=\"").append(scope).append("\",node=\"").append(std::to_string(node)).append("\"");
  out.add(count, extra);
}

void numa(Lines& out, const Series& s) {
  for (const NumaSample& node : s.sample->numa) {
    pages(out, node.file, "file", "container", node.node);
    pages(out, node.anon, "anon", "container", node.node);
    pages(out, node.unevictable, "unevictable", "container", node.node);
    pages(out, node.nested_file, "file", "hierarchy", node.node);
    pages(out, node.nested_anon, "anon", "hierarchy", node.node);
    pages(out, node.nested_unevictable, "unevictable", "hierarchy", node.node);
  }
}

// Writes the first member that is present: cAdvisor reports reservations where the kernel counts them.
template <auto kFirst, auto kElse = kFirst>
void hugetlb(Lines& out, const Series& s) {
  std::string extra;
  for (const HugetlbSample& pages : s.sample->hugetlb) {
    const auto& value = pages.*kFirst ? pages.*kFirst : pages.*kElse;
    if (!value) continue;
    extra = "pagesize=\"";
    append_label_value(extra, pages.page_size.view());
    extra += '"';
    out.add(value, extra);
  }
}
using H = HugetlbSample;

constexpr auto kMemory = std::to_array<Family>({
    {"memory", "mete_container_memory_shmem_bytes", kGauge, "Shared memory and tmpfs", "", "memory.stat total_shmem", "memory.stat shmem", of<&M::shmem>},
    {"memory", "mete_container_memory_unevictable_bytes", kGauge, "Memory that reclaim may not take", "", "memory.stat total_unevictable", "memory.stat unevictable", of<&M::unevictable>},
    {"memory", "mete_container_memory_slab_bytes", kGauge, "Kernel objects", "", "", "memory.stat slab", of<&M::slab>},
    {"memory", "mete_container_memory_sock_bytes", kGauge, "Socket buffers", "", "", "memory.stat sock", of<&M::sock>},
    {"memory", "mete_container_memory_percpu_bytes", kGauge, "Per-CPU memory of the kernel", "", "", "memory.stat percpu", of<&M::percpu>},
    {"memory", "mete_container_memory_vmalloc_bytes", kGauge, "Memory that the kernel maps for itself: BPF maps, ring buffers", "", "", "memory.stat vmalloc", of<&M::vmalloc>},
    {"memory", "mete_container_memory_pagetables_bytes", kGauge, "Page tables", "", "", "memory.stat pagetables", of<&M::pagetables>},
    {"memory", "mete_container_memory_kernel_stack_bytes", kGauge, "Kernel stacks", "", "", "memory.stat kernel_stack", of<&M::kernel_stack>},
    {"memory", "mete_container_memory_zswap_bytes", kGauge, "Memory that compressed swap takes", "", "", "memory.stat zswap", of<&M::zswap>},
    {"memory", "mete_container_memory_zswapped_bytes", kGauge, "Memory that is in compressed swap", "", "", "memory.stat zswapped", of<&M::zswapped>},
    {"memory", "mete_container_memory_events_total", kCounter,
     "What limits and protections of memory did; local: of this cgroup alone", "event,scope", "",
     "memory.events, memory.events.local", events},
    {"memory", "mete_container_memory_swap_events_total", kCounter, "What limits of swap did", "event", "",
     "memory.swap.events", swap_events},
    {"memory", "mete_container_memory_swap_max_usage_bytes", kGauge, "The most swap ever in use", "", "",
     "memory.swap.peak",
     [](Lines& out, const Series& s) {
       if (s.sample->memory.more) out.add(s.sample->memory.more->swap_peak);
     }},
    {"numa", "container_memory_migrate", kGauge, "1 when pages move with a change of cpuset.mems", "",
     "cpuset.memory_migrate", "",
     [](Lines& out, const Series& s) {
       const auto& migrate = s.sample->cpu.memory_migrate;
       if (migrate) out.add(std::uint64_t{*migrate ? 1U : 0U});
     }},
    {"numa", "container_memory_numa_pages", kGauge, "Pages in use by node", "type,scope,node", "memory.numa_stat",
     "memory.numa_stat, bytes made pages", numa},
    {"hugetlb", "container_hugetlb_usage_bytes", kGauge, "Huge pages reserved; in use on kernels before 5.7", "pagesize",
     "hugetlb.SIZE.rsvd.usage_in_bytes or .usage_in_bytes", "hugetlb.SIZE.rsvd.current or .current",
     hugetlb<&H::reserved, &H::usage>},
    {"hugetlb", "container_hugetlb_max_usage_bytes", kGauge, "The most huge pages ever reserved", "pagesize",
     "hugetlb.SIZE.rsvd.max_usage_in_bytes or .max_usage_in_bytes", "", hugetlb<&H::max_reserved, &H::max_usage>},
    // Untyped: a counter's name would have to end in _total.
    {"hugetlb", "container_hugetlb_failcnt", MetricType::kUntyped, "How often the limit was hit", "pagesize",
     "hugetlb.SIZE.rsvd.failcnt or .failcnt", "hugetlb.SIZE.events max", hugetlb<&H::reserve_failcnt, &H::failcnt>},
    {"hugetlb", "mete_container_hugetlb_resident_bytes", kGauge, "Huge pages in use", "pagesize",
     "hugetlb.SIZE.usage_in_bytes", "hugetlb.SIZE.current", hugetlb<&H::usage>},
    {"hugetlb", "mete_container_spec_hugetlb_limit_bytes", kGauge, "Limit of huge pages; absent without one", "pagesize",
     "hugetlb.SIZE.limit_in_bytes", "hugetlb.SIZE.max",
     [](Lines& out, const Series& s) {
       if (s.with_settings) hugetlb<&H::limit>(out, s);
     }},
});

}  // namespace

std::span<const Family> memory_more_families() {
  return kMemory;
}

}  // namespace mete::collectors
