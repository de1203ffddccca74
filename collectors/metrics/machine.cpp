// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kGauge = MetricType::kGauge;
using Parts = MachineParts;

// Renders name="value",name="value" with numbers as values.
std::string numbers(std::initializer_list<std::pair<std::string_view, std::uint64_t>> labels) {
  std::string extra;
  for (const auto& [name, value] : labels) {
    if (!extra.empty()) extra += ',';
    extra.append(name).append("=\"").append(std::to_string(value)).append("\"");
  }
  return extra;
}

template <auto kMember>
void of_parts(Lines& out, const Machine& machine) {
  if (machine.parts) out.add((*machine.parts).*kMember);
}

void siblings(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  for (const Parts::Thread& thread : machine.parts->threads) {
    out.add(thread.siblings,
            numbers({{"node_id", thread.node}, {"core_id", thread.core}, {"thread_id", thread.thread}}));
  }
}

void caches(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  for (const Parts::Cache& cache : machine.parts->caches) {
    std::string extra = numbers({{"node_id", cache.node}}) + ",core_id=\"";
    if (cache.core) extra += std::to_string(*cache.core);
    extra += "\",type=\"";
    append_label_value(extra, cache.type);
    out.add(cache.size, extra + "\"," + numbers({{"level", cache.level}}));
  }
}

void node_memory(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  for (const Parts::Node& node : machine.parts->nodes) out.add(node.memory, numbers({{"node_id", node.id}}));
}

void huge_pages(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  for (const Parts::Node& node : machine.parts->nodes) {
    for (const auto& pages : node.huge_pages) {
      out.add(pages.count, numbers({{"node_id", node.id}, {"page_size", pages.page_kib}}));
    }
  }
}

void distances(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  const auto& nodes = machine.parts->nodes;
  for (const Parts::Node& node : nodes) {
    for (std::size_t i = 0; i < node.distances.size() && i < nodes.size(); ++i) {
      out.add(node.distances[i], numbers({{"node_id", node.id}, {"target_node_id", nodes[i].id}}));
    }
  }
}

template <auto kMember>
void dimms(Lines& out, const Machine& machine) {
  if (!machine.parts) return;
  for (const Parts::Dimms& dimms : machine.parts->dimms) {
    std::string extra = "type=\"";
    append_label_value(extra, dimms.type);
    out.add(dimms.*kMember, extra + '"');
  }
}

constexpr std::string_view kTopology = "/sys/devices/system/cpu/cpu*/topology";
constexpr auto kFamilies = std::to_array<MachineFamily>({
    {"machine", "machine_cpu_cores", kGauge, "Online logical CPUs", "", "/proc/stat",
     [](Lines& out, const Machine& machine) { out.add(machine.cores); }},
    {"machine", "machine_cpu_physical_cores", kGauge, "Cores, threads of a core counted once", "", kTopology,
     of_parts<&Parts::physical_cores>},
    {"machine", "machine_cpu_sockets", kGauge, "CPU sockets", "", kTopology, of_parts<&Parts::sockets>},
    {"machine", "machine_cpu_books", kGauge, "CPU books (s390)", "", kTopology, of_parts<&Parts::books>},
    {"machine", "machine_cpu_drawers", kGauge, "CPU drawers (s390)", "", kTopology, of_parts<&Parts::drawers>},
    // Untyped: promtool accepts "_count" for histograms only.
    {"machine", "machine_thread_siblings_count", MetricType::kUntyped, "Threads of a thread's core, a gauge",
     "node_id,core_id,thread_id", kTopology, siblings},
    {"machine", "machine_cpu_cache_capacity_bytes", kGauge, "Size of a CPU cache; without core_id when cores share it",
     "node_id,core_id,type,level", "/sys/devices/system/cpu/cpu*/cache", caches},
    {"machine", "machine_memory_bytes", kGauge, "Memory of the machine", "", "/proc/meminfo MemTotal",
     [](Lines& out, const Machine& machine) { out.add(machine.memory); }},
    {"machine", "machine_swap_bytes", kGauge, "Swap of the machine", "", "/proc/meminfo SwapTotal",
     [](Lines& out, const Machine& machine) { out.add(machine.swap); }},
    {"machine", "machine_node_memory_capacity_bytes", kGauge, "Memory of a NUMA node", "node_id",
     "/sys/devices/system/node/node*/meminfo", node_memory},
    {"machine", "machine_node_hugepages_count", MetricType::kUntyped,
     "Huge pages of a NUMA node by size in KiB, a gauge", "node_id,page_size",
     "/sys/devices/system/node/node*/hugepages", huge_pages},
    {"machine", "machine_node_distance", kGauge, "Distance between NUMA nodes", "node_id,target_node_id",
     "/sys/devices/system/node/node*/distance", distances},
    {"machine", "machine_dimm_count", MetricType::kUntyped, "Memory modules by type, a gauge", "type",
     "/sys/devices/system/edac/mc", dimms<&Parts::Dimms::count>},
    {"machine", "machine_dimm_capacity_bytes", kGauge, "Memory of modules by type", "type",
     "/sys/devices/system/edac/mc", dimms<&Parts::Dimms::size>},
});

constexpr auto kErrors = std::to_array<MachineFamily>({
    {"machine", "machine_scrape_error", kGauge, "1 when the machine could not be read", "", "/proc/stat, /proc/meminfo",
     [](Lines& out, const Machine& machine) { out.add(std::uint64_t{machine.failed ? 1U : 0U}); }},
    {"machine", "container_scrape_error", kGauge, "1 when a cgroup that exists could not be read", "",
     "all of its files",
     [](Lines& out, const Machine& machine) { out.add(std::uint64_t{machine.containers_failed ? 1U : 0U}); }},
});

void write(std::string& out, std::span<const MachineFamily> families, const LabelBlock& labels, const Machine& machine,
           Format format) {
  for (const MachineFamily& family : families) {
    const std::string help = help_of(family);
    FamilyWriter writer(out, family.name, help, family.type, format);
    Lines lines(writer, labels);
    family.write(lines, machine);
  }
}

}  // namespace

std::vector<const MachineFamily*> machine_families() {
  std::vector<const MachineFamily*> all;
  for (const MachineFamily& family : kFamilies) all.push_back(&family);
  for (const MachineFamily& family : kErrors) all.push_back(&family);
  return all;
}

void write_machine(std::string& out, const Machine& machine, Format format) {
  LabelBlock labels;
  if (machine.parts) {
    labels.add("machine_id", machine.parts->machine_id);
    labels.add("system_uuid", machine.parts->system_uuid);
    labels.add("boot_id", machine.parts->boot_id);
  }
  write(out, kFamilies, labels, machine, format);
  write(out, kErrors, LabelBlock(), machine, format);
}

}  // namespace mete::collectors
