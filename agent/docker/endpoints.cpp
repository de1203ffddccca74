// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/endpoints.h"

#include <algorithm>

namespace mete::agent::docker {
namespace {

bool is_usual(const std::string& mode) {
  return mode.empty() || mode == "default";
}

bool is_of_others(const std::string& network) {
  return network == "host" || network.starts_with("container:");
}

// Endpoints by the names of their networks.
Json named_endpoints(const ContainerRecord& record) {
  Json named = or_object(record.endpoints);
  if (!named.contains("default")) return named;
  if (!named.contains("bridge")) named["bridge"] = named["default"];
  named.erase("default");
  return named;
}

}  // namespace

std::string own_network(const ContainerRecord& record) {
  if (flag_of(record.config, "NetworkDisabled")) return "none";
  const std::string mode = text_of(record.host_config, "NetworkMode");
  return is_usual(mode) ? "bridge" : mode;
}

const Json& endpoint_in(const ContainerRecord& record, const std::string& network) {
  const Json& endpoint = field(record.endpoints, network.c_str());
  return endpoint.is_null() && network == "bridge" ? field(record.endpoints, "default") : endpoint;
}

std::vector<std::string> further_networks(const ContainerRecord& record) {
  const std::string own = own_network(record);
  std::vector<std::string> further;
  if (own == "none" || is_of_others(own)) return further;
  const Json endpoints = or_object(record.endpoints);
  for (const auto& [name, endpoint] : endpoints.items()) {
    const std::string network = is_usual(name) ? "bridge" : name;
    if (network != own && !is_of_others(network) && network != "none") further.push_back(network);
  }
  return further;
}

std::vector<std::string> aliases_of(const ContainerRecord& record) {
  std::vector<std::string> aliases = {record.name, record.short_id()};
  std::vector<std::string> networks = further_networks(record);
  networks.insert(networks.begin(), own_network(record));
  for (const auto& network : networks) {
    for (const auto& each : words_of(endpoint_in(record, network), "Aliases")) {
      if (std::find(aliases.begin(), aliases.end(), each) == aliases.end()) aliases.push_back(each);
    }
  }
  return aliases;
}

Result<NetworkWishes> connected(const ContainerRecord& record, const std::string& network, const Json& endpoint) {
  const std::string own = own_network(record);
  if (is_of_others(own))
    return fail(
        "container sharing network namespace with another container or host cannot be connected to any other "
        "network");
  const auto further = further_networks(record);
  if (own == network || std::find(further.begin(), further.end(), network) != further.end())
    return fail("endpoint with name " + record.name + " already exists in network " + network);
  if (own != "none" && !or_object(field(endpoint, "DriverOpts")).empty())
    return fail("DriverOpts: found some of a further network, expected them with the first network alone");
  if (!words_of(endpoint, "Links").empty())
    return fail("Links: found some of network " + network + ", expected them when the container is made");
  NetworkWishes wishes{own == "none" ? network : own, named_endpoints(record)};
  wishes.endpoints.erase("none");
  wishes.endpoints[network] = or_object(endpoint);
  return wishes;
}

Result<NetworkWishes> disconnected(const ContainerRecord& record, const std::string& network) {
  const std::string own = own_network(record);
  const auto further = further_networks(record);
  const bool is_own = own == network;
  if (!is_own && std::find(further.begin(), further.end(), network) == further.end())
    return fail("container " + record.id + " is not connected to network " + network);
  NetworkWishes wishes{own, named_endpoints(record)};
  wishes.endpoints.erase(network);
  if (is_own) wishes.mode = further.empty() ? "none" : further.front();
  return wishes;
}

bool has_left_all(const ContainerRecord& record) {
  return own_network(record) == "none" && record.endpoints.is_object() && record.endpoints.empty();
}

}  // namespace mete::agent::docker
