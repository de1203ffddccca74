// SPDX-License-Identifier: Apache-2.0
#include "collectors/metrics.h"

#include <array>

namespace mete::collectors {
namespace {

constexpr std::array<MetricRow, 2> kGeneral = {{
    {"container_last_seen", "When the container's counters were last read, in seconds since 1970.", MetricType::kGauge,
     "",
     [](const Series& s) -> Value {
       const auto time = s.sample.wall_time.time_since_epoch();
       if (time.count() == 0) return {};
       return std::chrono::nanoseconds(std::chrono::floor<std::chrono::seconds>(time));
     }},
    {"container_start_time_seconds", "When the container was started, in seconds since 1970.", MetricType::kGauge, "",
     [](const Series& s) -> Value {
       if (!s.started) return {};
       return std::chrono::nanoseconds(s.started->time_since_epoch());
     }},
}};

void write_rows(std::string& out, std::span<const MetricRow> rows, std::span<const Series> series) {
  for (std::size_t i = 0; i < rows.size();) {
    FamilyWriter family(out, rows[i].name, rows[i].help, rows[i].type);
    const std::string_view name = rows[i].name;
    for (; i < rows.size() && rows[i].name == name; ++i) {
      const MetricRow& row = rows[i];
      for (const Series& s : series) {
        family.add(s.labels, row.get(s), row.extra);
        if (row.more != nullptr) row.more(family, s);
      }
    }
  }
}

void write_devices(std::string& out, std::span<const Series> series) {
  std::string extra;
  for (const DeviceRow& row : io_rows()) {
    FamilyWriter family(out, row.name, row.help, MetricType::kCounter);
    for (const Series& s : series) {
      for (const DeviceSample& device : s.sample.devices) {
        extra = "device=\"";
        if (device.name.view().empty()) {
          extra += std::to_string(device.major) + ":" + std::to_string(device.minor);
        } else {
          extra += "/dev/";
          append_label_value(extra, device.name.view());
        }
        extra += '"';
        family.add(s.labels, row.get(device), extra);
      }
    }
  }
}

void write_interfaces(std::string& out, std::span<const Series> series) {
  std::string extra;
  for (const InterfaceRow& row : network_rows()) {
    FamilyWriter family(out, row.name, row.help, MetricType::kCounter);
    for (const Series& s : series) {
      if (!s.with_network) continue;
      for (const InterfaceSample& interface : s.sample.interfaces) {
        extra = "interface=\"";
        append_label_value(extra, interface.name.view());
        extra += '"';
        family.add(s.labels, row.get(interface), extra);
      }
    }
  }
}

}  // namespace

std::span<const MetricRow> general_rows() {
  return kGeneral;
}

void write_families(std::string& out, std::span<const Series> series) {
  write_rows(out, general_rows(), series);
  write_rows(out, cpu_rows(), series);
  write_rows(out, memory_rows(), series);
  write_rows(out, pids_rows(), series);
  write_rows(out, pressure_rows(), series);
  write_devices(out, series);
  write_interfaces(out, series);
}

void write_machine(std::string& out, const Machine& machine) {
  FamilyWriter(out, "machine_cpu_cores", "Online logical CPUs, from /proc/stat.", MetricType::kGauge)
      .add(machine.cores);
  FamilyWriter(out, "machine_memory_bytes", "MemTotal of /proc/meminfo.", MetricType::kGauge).add(machine.memory);
  FamilyWriter(out, "machine_swap_bytes", "SwapTotal of /proc/meminfo.", MetricType::kGauge).add(machine.swap);
}

}  // namespace mete::collectors
