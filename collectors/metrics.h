// SPDX-License-Identifier: Apache-2.0
// The metric rows: which series come of a Sample, under cAdvisor's names. One table a subject, in
// metrics_<subject>.cpp. A getter that returns an absent Value writes nothing: absent is absent, never 0.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collectors/exposition.h"
#include "collectors/machine.h"
#include "collectors/sample.h"

namespace mete::collectors {

// One container (or pod, or any cgroup) in a scrape. The labels are usually id, name, image, namespace, pod, container.
struct Series {
  const LabelBlock& labels;
  const Sample& sample;
  std::optional<std::chrono::system_clock::time_point> started{};  // container_start_time_seconds
  // Network is written once per network namespace: on the pod's row. Settings (spec_*) make no sense on the root row.
  bool with_network = true;
  bool with_settings = true;
};

// A row: one line per series. Rows of one family (same name, other extra labels) stand next to each other.
struct MetricRow {
  std::string_view name;
  std::string_view help;  // names the kernel's file
  MetricType type;
  std::string_view extra;  // rendered labels, R"(cpu="total")"
  Value (*get)(const Series&);
  void (*more)(FamilyWriter&, const Series&) = nullptr;  // further lines of this family
};
// A row with one line per block device, or per network interface.
struct DeviceRow {
  std::string_view name;
  std::string_view help;
  Value (*get)(const DeviceSample&);
};
struct InterfaceRow {
  std::string_view name;
  std::string_view help;
  Value (*get)(const InterfaceSample&);
};

[[nodiscard]] std::span<const MetricRow> cpu_rows();
[[nodiscard]] std::span<const MetricRow> memory_rows();
[[nodiscard]] std::span<const MetricRow> pids_rows();
[[nodiscard]] std::span<const MetricRow> pressure_rows();
[[nodiscard]] std::span<const MetricRow> general_rows();  // last_seen, start_time
[[nodiscard]] std::span<const DeviceRow> io_rows();
[[nodiscard]] std::span<const InterfaceRow> network_rows();

// All container_* families of all series, appended to out.
void write_families(std::string& out, std::span<const Series> series);
// machine_cpu_cores, machine_memory_bytes, machine_swap_bytes.
void write_machine(std::string& out, const Machine& machine);

}  // namespace mete::collectors
