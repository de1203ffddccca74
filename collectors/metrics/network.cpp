// SPDX-License-Identifier: Apache-2.0
// Each network namespace is written once, with the row that stands for it (Series::with_network).
#include <array>
#include <string>

#include "collectors/metrics/family.h"

namespace mete::collectors {
namespace {

constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

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

// Gauges with names that end in "_total" are untyped: see family.h.
constexpr auto kUntyped = MetricType::kUntyped;

template <auto kMember>
void tcp(Lines& out, const Series& s) {
  if (!s.with_network || !s.sample->sockets || !((*s.sample->sockets).*kMember)) return;
  const TcpSample& counts = *((*s.sample->sockets).*kMember);
  std::string extra;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    extra = "tcp_state=\"";
    extra += kTcpStates.at(i);
    extra += '"';
    out.add(counts.at(i), extra);
  }
}

template <auto kMember>
void udp(Lines& out, const Series& s) {
  if (!s.with_network || !s.sample->sockets || !((*s.sample->sockets).*kMember)) return;
  const UdpSample& counts = *((*s.sample->sockets).*kMember);
  out.add(counts.listen, R"(udp_state="listen")");
  out.add(counts.dropped, R"(udp_state="dropped")");
  out.add(counts.rxqueued, R"(udp_state="rxqueued")");
  out.add(counts.txqueued, R"(udp_state="txqueued")");
}

void advanced(Lines& out, const Series& s) {
  if (!s.with_network || !s.sample->sockets) return;
  std::string extra;
  for (const auto* list : {&s.sample->sockets->snmp, &s.sample->sockets->netstat}) {
    for (const NamedCount& count : *list) {
      extra = "tcp_state=\"";
      append_label_value(extra, count.name.view());
      extra += '"';
      if (count.value < 0) {
        out.add(static_cast<double>(count.value), extra);  // maxconn: -1
      } else {
        out.add(static_cast<std::uint64_t>(count.value), extra);
      }
    }
  }
}

constexpr std::string_view kNetDev = "/proc/PID/net/dev";
constexpr auto kFamilies = std::to_array<Family>({
    {"network", "container_network_receive_bytes_total", kCounter, "Bytes received", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_bytes>, LabelsOf::kNetwork},
    {"network", "container_network_receive_packets_total", kCounter, "Packets received", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_packets>, LabelsOf::kNetwork},
    {"network", "container_network_receive_packets_dropped_total", kCounter, "Packets dropped on receipt", "interface",
     kNetDev, kNetDev, interfaces<&InterfaceSample::receive_dropped>, LabelsOf::kNetwork},
    {"network", "container_network_receive_errors_total", kCounter, "Errors on receipt", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::receive_errors>, LabelsOf::kNetwork},
    {"network", "container_network_transmit_bytes_total", kCounter, "Bytes sent", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::transmit_bytes>, LabelsOf::kNetwork},
    {"network", "container_network_transmit_packets_total", kCounter, "Packets sent", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::transmit_packets>, LabelsOf::kNetwork},
    {"network", "container_network_transmit_packets_dropped_total", kCounter, "Packets dropped on sending", "interface",
     kNetDev, kNetDev, interfaces<&InterfaceSample::transmit_dropped>, LabelsOf::kNetwork},
    {"network", "container_network_transmit_errors_total", kCounter, "Errors on sending", "interface", kNetDev, kNetDev,
     interfaces<&InterfaceSample::transmit_errors>, LabelsOf::kNetwork},
    {"tcp", "container_network_tcp_usage_total", kUntyped, "TCP sockets by state, a gauge", "tcp_state",
     "/proc/PID/net/tcp", "/proc/PID/net/tcp", tcp<&SocketsSample::tcp>, LabelsOf::kNetwork},
    {"tcp", "container_network_tcp6_usage_total", kUntyped, "TCP sockets over IPv6 by state, a gauge", "tcp_state",
     "/proc/PID/net/tcp6", "/proc/PID/net/tcp6", tcp<&SocketsSample::tcp6>, LabelsOf::kNetwork},
    {"udp", "container_network_udp_usage_total", kUntyped, "UDP sockets, bytes queued and datagrams dropped, a gauge",
     "udp_state", "/proc/PID/net/udp", "/proc/PID/net/udp", udp<&SocketsSample::udp>, LabelsOf::kNetwork},
    {"udp", "container_network_udp6_usage_total", kUntyped,
     "UDP sockets over IPv6, bytes queued and datagrams dropped, a gauge", "udp_state", "/proc/PID/net/udp6",
     "/proc/PID/net/udp6", udp<&SocketsSample::udp6>, LabelsOf::kNetwork},
    {"advtcp", "container_network_advance_tcp_stats_total", kUntyped,
     "Counters and settings of TCP, by the kernel's names", "tcp_state",
     "/proc/PID/net/snmp Tcp, /proc/PID/net/netstat TcpExt", "/proc/PID/net/snmp Tcp, /proc/PID/net/netstat TcpExt",
     advanced, LabelsOf::kNetwork},
});

}  // namespace

std::span<const Family> network_families() {
  return kFamilies;
}

}  // namespace mete::collectors
