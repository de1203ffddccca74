// SPDX-License-Identifier: Apache-2.0
#include "agent/networks/endpoint_record.h"

#include "runtime/json.h"
#include "runtime/network/mac_address.h"
#include "runtime/network/underlay.h"

namespace mete::agent {
namespace {

using nlohmann::json;
using runtime::network::Driver;
using runtime::network::driver_named;
using runtime::network::Endpoint;
using runtime::network::IpAddress;
using runtime::network::IpRange;
using runtime::network::MacAddress;
using runtime::network::NetworkSpec;
using runtime::network::options_of;
using runtime::network::PublishedPort;
using runtime::network::set_option;
using runtime::network::to_string;

// What a field of a record cannot be; caught where the record is read.
struct Unreadable {
  std::string what;
};

IpAddress address_in(const std::string& text) {
  const auto address = config::parse_ip(text);
  if (!address) throw Unreadable{"found \"" + text + "\", expected an IP address"};
  return *address;
}

IpRange range_in(const std::string& text) {
  const auto range = config::parse_range(text);
  if (!range) throw Unreadable{range.error().what};
  return *range;
}

MacAddress mac_in(const std::string& text) {
  const auto mac = runtime::network::parse_mac(text);
  if (!mac) throw Unreadable{"found \"" + text + "\", expected a hardware address"};
  return *mac;
}

config::Protocol protocol_in(const std::string& text) {
  for (const auto each : {config::Protocol::kTcp, config::Protocol::kUdp, config::Protocol::kSctp}) {
    if (text == to_string(each)) return each;
  }
  throw Unreadable{"found \"" + text + "\", expected tcp, udp or sctp"};
}

json port_json(const PublishedPort& port) {
  json value = {
      {"protocol", to_string(port.protocol)}, {"hostPort", port.host_port}, {"containerPort", port.container_port}};
  if (port.host_address) value["hostIP"] = to_string(*port.host_address);
  return value;
}

PublishedPort port_in(const json& value) {
  PublishedPort port;
  port.protocol = protocol_in(value.at("protocol"));
  port.host_port = value.at("hostPort");
  port.container_port = value.at("containerPort");
  if (value.contains("hostIP")) port.host_address = address_in(value.at("hostIP"));
  return port;
}

// What networks of earlier agents have not.
void read_driver(const json& value, NetworkSpec& network) {
  const std::string name = value.value("driver", "bridge");
  const auto driver = driver_named(name);
  if (!driver) throw Unreadable{"found driver \"" + name + "\", expected one that this agent has"};
  network.driver = *driver;
  if (value.contains("gateway")) network.gateway = address_in(value.at("gateway"));
  if (value.contains("gateway6")) network.gateway6 = address_in(value.at("gateway6"));
  if (value.contains("part")) network.part = range_in(value.at("part"));
  for (const auto& each : value.value("reserved", json::array()))
    network.reserved.emplace_back(each.at(0), address_in(each.at(1)));
  for (const auto& each : value.value("options", json::array())) {
    if (const auto set = set_option(network, each.at(0), each.at(1)); !set) throw Unreadable{set.error().what};
  }
  network.underlay.makes_parent = value.value("makesParent", false);
}

template <class T, class Read>
Result<T> parse_with(const std::string& text, Read read) {
  try {
    return read(json::parse(text));
  } catch (const json::exception& error) {
    return fail(std::string("a record of a network: ") + error.what());
  } catch (const Unreadable& error) {
    return fail("a record of a network: " + error.what);
  }
}

}  // namespace

std::string to_json(const Endpoint& endpoint) {
  json value = {{"network", endpoint.network},
                {"device", endpoint.device},
                {"mac", runtime::network::to_string(endpoint.mac)},
                {"address", to_string(endpoint.address)},
                {"names", endpoint.names},
                {"ports", json::array()}};
  if (endpoint.address6) value["address6"] = to_string(*endpoint.address6);
  if (endpoint.inside != runtime::network::kInsideDevice) value["inside"] = endpoint.inside;
  if (endpoint.shared) value["shared"] = true;
  if (!endpoint.links.empty()) value["links"] = endpoint.links;
  if (endpoint.bandwidth.ingress != 0) value["ingressBandwidth"] = endpoint.bandwidth.ingress;
  if (endpoint.bandwidth.egress != 0) value["egressBandwidth"] = endpoint.bandwidth.egress;
  if (!endpoint.answer.empty()) value["answer"] = endpoint.answer;
  if (endpoint.bandwidth.burst != 0) value["bandwidthBurst"] = endpoint.bandwidth.burst;
  for (const auto& port : endpoint.ports) value["ports"].push_back(port_json(port));
  return value.dump() + "\n";
}

Result<Endpoint> parse_endpoint(const std::string& text) {
  return parse_with<Endpoint>(text, [](const json& value) {
    Endpoint endpoint;
    endpoint.network = value.at("network");
    endpoint.device = value.at("device");
    endpoint.mac = mac_in(value.at("mac"));
    endpoint.address = address_in(value.at("address"));
    if (value.contains("address6")) endpoint.address6 = address_in(value.at("address6"));
    endpoint.inside = value.value("inside", endpoint.inside);
    endpoint.shared = value.value("shared", false);
    endpoint.links = value.value("links", endpoint.links);
    endpoint.bandwidth.ingress = value.value("ingressBandwidth", std::uint64_t{0});
    endpoint.bandwidth.egress = value.value("egressBandwidth", std::uint64_t{0});
    endpoint.answer = value.value("answer", "");
    endpoint.bandwidth.burst = value.value("bandwidthBurst", std::uint64_t{0});
    endpoint.names = value.at("names").get<std::vector<std::string>>();
    for (const auto& each : value.at("ports")) endpoint.ports.push_back(port_in(each));
    return endpoint;
  });
}

std::string to_json(const NetworkSpec& network) {
  json value = {{"name", network.name},   {"device", network.device},     {"subnet", to_string(network.range)},
                {"mtu", network.mtu},     {"internal", network.internal}, {"icc", network.between_containers},
                {"labels", json::array()}};
  if (network.range6) value["subnet6"] = to_string(*network.range6);
  if (network.gateway) value["gateway"] = to_string(*network.gateway);
  if (network.gateway6) value["gateway6"] = to_string(*network.gateway6);
  if (network.part) value["part"] = to_string(*network.part);
  for (const auto& [name, address] : network.reserved) value["reserved"].push_back({name, to_string(address)});
  if (network.driver != Driver::kBridge) value["driver"] = to_string(network.driver);
  for (const auto& [name, option] : options_of(network)) value["options"].push_back({name, option});
  if (network.underlay.makes_parent) value["makesParent"] = true;
  if (const auto& overlay = network.overlay)
    value["overlay"] = {{"vni", overlay->vni}, {"local", to_string(overlay->local)}, {"port", overlay->port}};
  for (const auto& [name, label] : network.labels) value["labels"].push_back({name, label});
  return value.dump() + "\n";
}

Result<NetworkSpec> parse_network(const std::string& text) {
  return parse_with<NetworkSpec>(text, [](const json& value) {
    NetworkSpec network;
    network.name = value.at("name");
    network.device = value.at("device");
    network.range = range_in(value.at("subnet"));
    if (value.contains("subnet6")) network.range6 = range_in(value.at("subnet6"));
    network.mtu = value.at("mtu");
    network.internal = value.at("internal");
    network.between_containers = value.at("icc");
    read_driver(value, network);
    if (value.contains("overlay")) {
      const json& overlay = value.at("overlay");
      const bool encrypted = is_encrypted(network);  // an option of the driver
      network.overlay = runtime::network::OverlayLink{overlay.at("vni"), address_in(overlay.at("local")),
                                                      overlay.at("port"), encrypted};
    }
    for (const auto& each : value.at("labels")) network.labels.emplace_back(each.at(0), each.at(1));
    return network;
  });
}

}  // namespace mete::agent
