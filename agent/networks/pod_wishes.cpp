// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/pod_wishes.h"

#include <sys/random.h>

#include <cstdio>

#include "config/model/objects.h"

namespace mete::agent {
namespace {

using runtime::network::Driver;
using runtime::network::NetworkSpec;
using runtime::network::PublishedPort;

constexpr std::int64_t kBits = 8;

// The reader of manifests has refused what is no amount.
template <class Parse>
std::optional<std::int64_t> amount_in(const config::Pod& pod, const char* annotation, Parse parse) {
  const std::string text = annotation_of(pod, annotation);
  const auto amount = text.empty() ? Result<std::int64_t>(0) : parse(text);
  return amount && *amount != 0 ? std::optional(*amount) : std::nullopt;
}

}  // namespace

std::string annotation_of(const config::Pod& pod, const char* name) {
  const auto found = pod.metadata.annotations.find(name);
  return found == pod.metadata.annotations.end() ? std::string() : found->second;
}

std::vector<PublishedPort> published_ports(const config::Pod& pod) {
  std::vector<PublishedPort> ports;
  if (pod.spec.host_network) return ports;
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& container : *list) {
      for (const auto& each : container.ports) {
        if (each.host_port == 0) continue;
        PublishedPort port{each.protocol, config::parse_ip(each.host_ip), each.host_port, each.container_port};
        const config::IpAddress nothing{port.host_address && port.host_address->v6, {}};
        if (port.host_address == nothing) port.host_address.reset();
        ports.push_back(port);
      }
    }
  }
  return ports;
}

Status can_publish(const NetworkSpec& network, const std::vector<PublishedPort>& ports) {
  if (network.driver == Driver::kCni) return {};  // the plugins say whether they can
  if (!has_bridge(network) && !ports.empty())
    return fail("hostPort: found network " + network.name + " of driver " + to_string(network.driver) +
                ", whose pods are reached by their own addresses, expected a bridge");
  if (network.internal && !ports.empty())
    return fail("hostPort: found network " + network.name + ", which is internal, expected one that is reached from " +
                "outside");
  config::IpAddress loopback{true, {}};
  loopback.bytes.back() = 1;
  for (const auto& port : ports) {
    if (!port.host_address || !port.host_address->v6) continue;
    if (*port.host_address == loopback)
      return fail("hostIP: found ::1, from which the kernel leads nothing to a pod, expected another address");
    if (!network.range6)
      return fail("hostIP: found " + to_string(*port.host_address) + ", but network " + network.name +
                  " has no IPv6 addresses, expected an IPv4 address");
  }
  return {};
}

config::Bandwidth asked_bandwidth(const config::Pod& pod) {
  return {amount_in(pod, config::kIngressBandwidth, config::parse_bits),
          amount_in(pod, config::kEgressBandwidth, config::parse_bits),
          amount_in(pod, config::kBandwidthBurst, config::parse_burst)};
}

runtime::network::Bandwidth bandwidth_of(const config::Bandwidth& bandwidth) {
  return {static_cast<std::uint64_t>(bandwidth.ingress.value_or(0) / kBits),
          static_cast<std::uint64_t>(bandwidth.egress.value_or(0) / kBits),
          static_cast<std::uint64_t>(bandwidth.burst.value_or(0))};
}

std::string new_end(const std::string& prefix) {
  std::uint32_t number = 0;
  (void)!::getrandom(&number, sizeof number, 0);
  char name[16];
  std::snprintf(name, sizeof name, "%s%08x", prefix.c_str(), number);
  return name;
}

}  // namespace mete::agent
