// SPDX-License-Identifier: Apache-2.0
#include "agent/api/network_api.h"

#include <cerrno>

#include "agent/api/replies.h"
#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;
using runtime::network::NetworkSpec;

ordered_json network_json(const Networks& networks, const NetworkSpec& spec) {
  ordered_json value = {{"name", spec.name},
                        {"driver", spec.overlay ? "overlay" : "bridge"},
                        {"device", spec.device},
                        {"subnet", to_string(spec.range)},
                        {"gateway", to_string(runtime::network::gateway_of(spec.range))}};
  if (spec.range6) {
    value["subnet6"] = to_string(*spec.range6);
    value["gateway6"] = to_string(runtime::network::gateway_of(*spec.range6));
  }
  value["mtu"] = spec.mtu;
  if (const auto& overlay = spec.overlay)
    value["overlay"] = {{"vni", overlay->vni}, {"local", to_string(overlay->local)}, {"port", overlay->port}};
  value["internal"] = spec.internal;
  value["icc"] = spec.between_containers;
  value["labels"] = ordered_json::object();
  for (const auto& [name, label] : spec.labels) value["labels"][name] = label;
  value["pods"] = ordered_json::array();
  for (const auto& each : networks.members_of(spec.name)) {
    ordered_json member = {{"pod", each.names.empty() ? "" : each.names.front()},
                           {"address", to_string(each.address)},
                           {"mac", runtime::network::to_string(each.mac)},
                           {"device", each.device},
                           {"ports", ordered_json::array()}};
    if (each.address6) member["address6"] = to_string(*each.address6);
    for (const auto& port : each.ports)
      member["ports"].push_back(to_string(port) + "->" + std::to_string(port.container_port));
    value["pods"].push_back(std::move(member));
  }
  if (!spec.overlay) return value;
  value["elsewhere"] = ordered_json::array();
  for (const auto& each : networks.elsewhere(spec.name)) {
    value["elsewhere"].push_back({{"pod", each.names.front()},
                                  {"address", to_string(each.address)},
                                  {"mac", runtime::network::to_string(each.mac)},
                                  {"machine", to_string(each.vtep)}});
  }
  return value;
}

Networks::Wanted wanted_of(const HttpRequest& request) {
  Networks::Wanted wanted;
  wanted.name = request.parameter("name");
  wanted.driver = request.parameter("driver");
  wanted.subnet = request.parameter("subnet");
  wanted.subnet6 = request.parameter("subnet6");
  wanted.mtu = request.parameter("mtu");
  wanted.option = request.parameter("opt");
  wanted.internal = request.parameter("internal") == "1";
  wanted.between_containers = request.parameter("icc") != "0";
  // One "name=value" a line.
  std::string labels = request.body;
  while (!labels.empty()) {
    const auto end = labels.find('\n');
    const std::string line = labels.substr(0, end);
    const auto equal = line.find('=');
    if (!line.empty())
      wanted.labels.emplace_back(line.substr(0, equal), equal == std::string::npos ? "" : line.substr(equal + 1));
    labels.erase(0, end == std::string::npos ? labels.size() : end + 1);
  }
  return wanted;
}

}  // namespace

void handle_networks(Networks& networks, const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
  const std::string action = request.path.substr(std::string_view("/mete/v1/networks").size());
  const auto when_done = [reply](const ordered_json& value) {
    return [reply, value](const Status& done) {
      if (done) return reply->send(json_response(value));
      reply->send(error_response(done.error().code == ENOENT ? 404 : 409, done.error().what));
    };
  };
  if (request.method == "GET" && action.empty()) {
    ordered_json list = ordered_json::array();
    for (const auto& each : networks.list()) list.push_back(network_json(networks, each));
    return reply->send(json_response({{"networks", std::move(list)}}));
  }
  if (request.method == "POST" && action == "/create")
    return networks.create(wanted_of(request), when_done({{"network", request.parameter("name")}}));
  if (request.method == "POST" && action == "/remove")
    return networks.remove(request.parameter("name"), when_done({{"network", request.parameter("name")}}));
  const std::string pod = request.parameter("pod");
  const ordered_json connection = {{"network", request.parameter("name")}, {"pod", pod}};
  if (request.method == "POST" && action == "/connect")
    return networks.connect_more(pod, request.parameter("name"), request.parameter("ip"), when_done(connection));
  if (request.method == "POST" && action == "/disconnect")
    return networks.disconnect_more(pod, request.parameter("name"), when_done(connection));
  if (request.method == "POST" && action == "/prune") {
    const auto names = networks.unused();
    ordered_json removed = {{"removed", names}};
    for (std::size_t i = 0; i + 1 < names.size(); ++i) networks.remove(names[i], [](const Status&) {});
    if (names.empty()) return reply->send(json_response(removed));
    return networks.remove(names.back(), when_done(removed));
  }
  reply->send(error_response(404, "There is no " + request.method + " " + request.path + "."));
}

}  // namespace mete::agent
