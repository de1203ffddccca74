// SPDX-License-Identifier: Apache-2.0
// Metric families: the series that are made of a Reading, under cAdvisor's names. One table per subject, in
// metrics/<subject>.cpp. The tables are data: /metrics, `mete metrics` and docs/metrics.md are made from them. An
// absent value writes no line; it is never written as 0.
//
// Some of cAdvisor's names do not fit their types: counters without "_total" (container_memory_failcnt), gauges that
// end in "_total" or "_count" (container_network_tcp_usage_total, container_fs_inodes_total,
// machine_thread_siblings_count). Users' queries contain these names, so they stay the same in both formats, and the
// type becomes "untyped" in text 0.0.4 and "unknown" in OpenMetrics 1.0. OpenMetrics forbids a gauge sample that ends
// in "_total" and a counter sample that ends in anything else.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collectors/exposition/exposition.h"
#include "collectors/reading.h"

namespace mete::collectors {

// The output to which a family adds the lines of one series.
class Lines {
 public:
  Lines(FamilyWriter& family, const LabelBlock& labels) : family_(family), labels_(labels) {}
  // `extra` is rendered label text besides the series' own: R"(cpu="total")" or empty.
  void add(Value value, std::string_view extra = {}, const Exemplar* exemplar = nullptr) {
    family_.add_suffixed({}, labels_, value, extra, exemplar);
  }
  // For a histogram's "_bucket", "_sum", "_count".
  void add_suffixed(std::string_view suffix, Value value, std::string_view extra = {}) {
    family_.add_suffixed(suffix, labels_, value, extra);
  }
  // Of a histogram, before its "_count" (FamilyWriter).
  void add_native(const NativeHistogram& histogram) { family_.add_native(histogram); }

 private:
  FamilyWriter& family_;
  const LabelBlock& labels_;
};

// Whose labels a family's lines have, besides its own.
enum class LabelsOf : std::uint8_t {
  kCgroup,    // Series::labels
  kWorkload,  // Series::workload: the family describes the container, which outlives its cgroup
  kNetwork,   // Series::network
};

struct Family {
  std::string_view collector;  // ?collect[]=NAME: "cpu", "memory", ...
  std::string_view name;       // as in text 0.0.4; a counter's ends in "_total"
  MetricType type;
  std::string_view help;    // one sentence, without the source
  std::string_view labels;  // besides those of the cgroup: "cpu", "device,operation"
  std::string_view v1, v2;  // kernel files: "cpu.stat nr_periods"; empty: not available in that version
  void (*write)(Lines&, const Series&);
  LabelsOf labels_of = LabelsOf::kCgroup;
};

// A family that describes the machine. Its labels are machine_id, system_uuid and boot_id.
struct MachineFamily {
  std::string_view collector;  // "machine"
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::string_view labels;
  std::string_view source;
  void (*write)(Lines&, const Machine&);
};

[[nodiscard]] std::span<const Family> general_families();  // last_seen, start_time
[[nodiscard]] std::span<const Family> cpu_families();
[[nodiscard]] std::span<const Family> memory_families();
[[nodiscard]] std::span<const Family> pids_families();
[[nodiscard]] std::span<const Family> memory_more_families();  // NUMA and huge pages too
[[nodiscard]] std::span<const Family> process_families();      // from /proc/PID
[[nodiscard]] std::span<const Family> pressure_families();
[[nodiscard]] std::span<const Family> group_families();  // the cgroup itself
[[nodiscard]] std::span<const Family> disk_families();
[[nodiscard]] std::span<const Family> io_families();
[[nodiscard]] std::span<const Family> network_families();
[[nodiscard]] std::span<const Family> lifecycle_families();  // known to the launcher alone

[[nodiscard]] std::vector<const MachineFamily*> machine_families();

// All families of a cgroup, in the order in which they are written: an explicit list.
[[nodiscard]] std::span<const Family* const> all_families();

// The HELP text: "CPU time used (v1: cpuacct.usage; v2: cpu.stat usage_usec)".
[[nodiscard]] std::string help_of(const Family& family);
[[nodiscard]] std::string help_of(const MachineFamily& family);

// Writes machine_* and container_scrape_error.
void write_machine(std::string& out, const Machine& machine, Format format = Format::kText);

}  // namespace mete::collectors
