// SPDX-License-Identifier: Apache-2.0
// Families of the smaller subjects: general, pids, pressure, block devices, network.
#include <array>
#include <string>

#include "collectors/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <auto kMember>
void pids(Lines& out, const Series& s) {
  out.add(s.sample->pids.*kMember);
}
template <auto kSubject, auto kMember>
void pressure(Lines& out, const Series& s) {
  out.add((s.sample->*kSubject).*kMember);
}

template <auto kMember>
void devices(Lines& out, const Series& s) {
  std::string extra;
  for (const DeviceSample& device : s.sample->devices) {
    extra = "device=\"";
    if (device.name.view().empty()) {
      extra += std::to_string(device.major) + ":" + std::to_string(device.minor);
    } else {
      extra += "/dev/";
      append_label_value(extra, device.name.view());
    }
    extra += '"';
    out.add(device.*kMember, extra);
  }
}

template <auto kMember>
void interfaces(Lines& out, const Series& s) {
  if (!s.with_network) return;
  std::string extra;
  for (const InterfaceSample& interface : s.sample->interfaces) {
    extra = "interface=\"";
    append_label_value(extra, interface.name.view());
    extra += '"';
    out.add(interface.*kMember, extra);
  }
}

void last_seen(Lines& out, const Series& s) {
  const auto time = s.sample->wall_time.time_since_epoch();
  if (time.count() != 0) out.add(std::chrono::nanoseconds(std::chrono::floor<std::chrono::seconds>(time)));
}

void start_time(Lines& out, const Series& s) {
  const auto& time = s.started ? s.started : s.created;
  if (time) out.add(std::chrono::nanoseconds(time->time_since_epoch()));
}

constexpr std::array<Family, 2> kGeneral = {{
    {"general", "container_last_seen", kGauge, "When the counters were last read, in seconds since 1970", "", "", "",
     last_seen},
    {"general", "container_start_time_seconds", kGauge, "When the container was started, in seconds since 1970", "",
     "the runtime's record, or the cgroup's directory", "the runtime's record, or the cgroup's directory", start_time},
}};

constexpr std::array<Family, 4> kPids = {{
    {"pids", "container_processes", kGauge, "Processes", "", "cgroup.procs lines", "cgroup.procs lines",
     pids<&PidsSample::processes>},
    {"pids", "container_threads", kGauge, "Tasks, threads counted", "", "pids.current", "pids.current",
     pids<&PidsSample::current>},
    {"pids", "container_threads_max", kGauge, "Tasks allowed; absent without a limit", "", "pids.max", "pids.max",
     [](Lines& out, const Series& s) {
       if (s.with_settings) out.add(s.sample->pids.max);
     }},
    {"pids", "mete_container_forks_refused_total", kCounter, "Forks refused by a pids limit", "", "pids.events max",
     "pids.events max", pids<&PidsSample::refused>},
}};

constexpr std::array<Family, 7> kPressure = {{
    {"pressure", "container_pressure_cpu_waiting_seconds_total", kCounter, "Time in which a task waited for a CPU", "",
     "cpu.pressure some (cgroup2 twin)", "cpu.pressure some", pressure<&Sample::cpu_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_cpu_stalled_seconds_total", kCounter, "Time in which all tasks waited for a CPU",
     "", "cpu.pressure full (cgroup2 twin)", "cpu.pressure full",
     pressure<&Sample::cpu_pressure, &PressureSample::full>},
    {"pressure", "container_pressure_memory_waiting_seconds_total", kCounter, "Time in which a task waited for memory",
     "", "memory.pressure some (cgroup2 twin)", "memory.pressure some",
     pressure<&Sample::memory_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_memory_stalled_seconds_total", kCounter,
     "Time in which all tasks waited for memory", "", "memory.pressure full (cgroup2 twin)", "memory.pressure full",
     pressure<&Sample::memory_pressure, &PressureSample::full>},
    {"pressure", "container_pressure_io_waiting_seconds_total", kCounter, "Time in which a task waited for IO", "",
     "io.pressure some (cgroup2 twin)", "io.pressure some", pressure<&Sample::io_pressure, &PressureSample::some>},
    {"pressure", "container_pressure_io_stalled_seconds_total", kCounter, "Time in which all tasks waited for IO", "",
     "io.pressure full (cgroup2 twin)", "io.pressure full", pressure<&Sample::io_pressure, &PressureSample::full>},
    {"pressure", "mete_container_pressure_irq_stalled_seconds_total", kCounter, "Time lost to interrupts", "",
     "irq.pressure full (cgroup2 twin)", "irq.pressure full", pressure<&Sample::irq_pressure, &PressureSample::full>},
}};

constexpr std::array<Family, 4> kIo = {{
    {"io", "container_fs_reads_bytes_total", kCounter, "Bytes read from the device", "device",
     "blkio.throttle.io_service_bytes_recursive Read", "io.stat rbytes", devices<&DeviceSample::read_bytes>},
    {"io", "container_fs_writes_bytes_total", kCounter, "Bytes written to the device", "device",
     "blkio.throttle.io_service_bytes_recursive Write", "io.stat wbytes", devices<&DeviceSample::write_bytes>},
    {"io", "container_fs_reads_total", kCounter, "Reads from the device", "device",
     "blkio.throttle.io_serviced_recursive Read", "io.stat rios", devices<&DeviceSample::reads>},
    {"io", "container_fs_writes_total", kCounter, "Writes to the device", "device",
     "blkio.throttle.io_serviced_recursive Write", "io.stat wios", devices<&DeviceSample::writes>},
}};

constexpr std::string_view kNetDev = "/proc/PID/net/dev";
constexpr std::array<Family, 8> kNetwork = {{
    {"network", "container_network_receive_bytes_total", kCounter, "Bytes received", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_bytes>},
    {"network", "container_network_receive_packets_total", kCounter, "Packets received", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_packets>},
    {"network", "container_network_receive_packets_dropped_total", kCounter, "Packets dropped on receipt", "interface",
     kNetDev, kNetDev, interfaces<&InterfaceSample::receive_dropped>},
    {"network", "container_network_receive_errors_total", kCounter, "Errors on receipt", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_errors>},
    {"network", "container_network_transmit_bytes_total", kCounter, "Bytes sent", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::transmit_bytes>},
    {"network", "container_network_transmit_packets_total", kCounter, "Packets sent", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::transmit_packets>},
    {"network", "container_network_transmit_packets_dropped_total", kCounter, "Packets dropped on sending",
     "interface", kNetDev, kNetDev, interfaces<&InterfaceSample::transmit_dropped>},
    {"network", "container_network_transmit_errors_total", kCounter, "Errors on sending", "interface", kNetDev,
     kNetDev, interfaces<&InterfaceSample::transmit_errors>},
}};

}  // namespace

std::span<const Family> general_families() {
  return kGeneral;
}
std::span<const Family> pids_families() {
  return kPids;
}
std::span<const Family> pressure_families() {
  return kPressure;
}
std::span<const Family> io_families() {
  return kIo;
}
std::span<const Family> network_families() {
  return kNetwork;
}

}  // namespace mete::collectors
