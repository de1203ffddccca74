// SPDX-License-Identifier: Apache-2.0
// Rows of the smaller subjects: pids, pressure, block devices, network.
#include <array>

#include "collectors/metrics.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

template <auto kMember>
Value pids(const Series& s) {
  return s.sample.pids.*kMember;
}
template <auto kSubject, auto kMember>
Value pressure(const Series& s) {
  return (s.sample.*kSubject).*kMember;
}
template <auto kMember>
Value device(const DeviceSample& d) {
  return d.*kMember;
}
template <auto kMember>
Value interface(const InterfaceSample& i) {
  return i.*kMember;
}

constexpr std::array<MetricRow, 4> kPids = {{
    {"container_processes", "Processes: lines of cgroup.procs.", kGauge, "", pids<&PidsSample::processes>},
    {"container_threads", "Tasks, threads counted: pids.current.", kGauge, "", pids<&PidsSample::current>},
    {"container_threads_max", "Tasks allowed: pids.max. Absent without a limit.", kGauge, "",
     [](const Series& s) { return s.with_settings ? Value(s.sample.pids.max) : Value(); }},
    {"mete_container_forks_refused_total", "Forks refused by a pids limit: pids.events max.", kCounter, "",
     pids<&PidsSample::refused>},
}};

constexpr std::array<MetricRow, 7> kPressure = {{
    {"container_pressure_cpu_waiting_seconds_total", "Time in which a task waited for a CPU: cpu.pressure some.",
     kCounter, "", pressure<&Sample::cpu_pressure, &PressureSample::some>},
    {"container_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for a CPU: cpu.pressure full.",
     kCounter, "", pressure<&Sample::cpu_pressure, &PressureSample::full>},
    {"container_pressure_memory_waiting_seconds_total", "Time in which a task waited for memory: memory.pressure some.",
     kCounter, "", pressure<&Sample::memory_pressure, &PressureSample::some>},
    {"container_pressure_memory_stalled_seconds_total",
     "Time in which all tasks waited for memory: memory.pressure full.", kCounter, "",
     pressure<&Sample::memory_pressure, &PressureSample::full>},
    {"container_pressure_io_waiting_seconds_total", "Time in which a task waited for IO: io.pressure some.", kCounter,
     "", pressure<&Sample::io_pressure, &PressureSample::some>},
    {"container_pressure_io_stalled_seconds_total", "Time in which all tasks waited for IO: io.pressure full.",
     kCounter, "", pressure<&Sample::io_pressure, &PressureSample::full>},
    {"mete_container_pressure_irq_stalled_seconds_total", "Time lost to interrupts: irq.pressure full.", kCounter, "",
     pressure<&Sample::irq_pressure, &PressureSample::full>},
}};

constexpr std::array<DeviceRow, 4> kIo = {{
    {"container_fs_reads_bytes_total",
     "Bytes read from the device: blkio.throttle.io_service_bytes, or io.stat rbytes.",
     device<&DeviceSample::read_bytes>},
    {"container_fs_writes_bytes_total",
     "Bytes written to the device: blkio.throttle.io_service_bytes, or io.stat wbytes.",
     device<&DeviceSample::write_bytes>},
    {"container_fs_reads_total", "Reads from the device: blkio.throttle.io_serviced, or io.stat rios.",
     device<&DeviceSample::reads>},
    {"container_fs_writes_total", "Writes to the device: blkio.throttle.io_serviced, or io.stat wios.",
     device<&DeviceSample::writes>},
}};

constexpr std::array<InterfaceRow, 8> kNetwork = {{
    {"container_network_receive_bytes_total", "Bytes received: /proc/PID/net/dev.",
     interface<&InterfaceSample::receive_bytes>},
    {"container_network_receive_packets_total", "Packets received: /proc/PID/net/dev.",
     interface<&InterfaceSample::receive_packets>},
    {"container_network_receive_packets_dropped_total", "Packets dropped on receipt: /proc/PID/net/dev.",
     interface<&InterfaceSample::receive_dropped>},
    {"container_network_receive_errors_total", "Errors on receipt: /proc/PID/net/dev.",
     interface<&InterfaceSample::receive_errors>},
    {"container_network_transmit_bytes_total", "Bytes sent: /proc/PID/net/dev.",
     interface<&InterfaceSample::transmit_bytes>},
    {"container_network_transmit_packets_total", "Packets sent: /proc/PID/net/dev.",
     interface<&InterfaceSample::transmit_packets>},
    {"container_network_transmit_packets_dropped_total", "Packets dropped on sending: /proc/PID/net/dev.",
     interface<&InterfaceSample::transmit_dropped>},
    {"container_network_transmit_errors_total", "Errors on sending: /proc/PID/net/dev.",
     interface<&InterfaceSample::transmit_errors>},
}};

}  // namespace

std::span<const MetricRow> pids_rows() {
  return kPids;
}
std::span<const MetricRow> pressure_rows() {
  return kPressure;
}
std::span<const DeviceRow> io_rows() {
  return kIo;
}
std::span<const InterfaceRow> network_rows() {
  return kNetwork;
}

}  // namespace mete::collectors
