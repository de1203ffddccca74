// SPDX-License-Identifier: Apache-2.0
#include "agent/api/network_api.h"

#include <cerrno>

#include "agent/api/replies.h"
#include "agent/etcd/messages.h"
#include "runtime/json.h"
#include "runtime/network/underlay.h"

namespace mete::agent {
namespace {

using nlohmann::ordered_json;
using runtime::network::Endpoint;
using runtime::network::NetworkSpec;

ordered_json member_json(const Endpoint& endpoint) {
  ordered_json member = {{"pod", endpoint.names.empty() ? "" : endpoint.names.front()},
                         {"address", to_string(endpoint.address)},
                         {"mac", runtime::network::mac_text(endpoint.mac)},
                         {"device", endpoint.device},
                         {"ports", ordered_json::array()}};
  if (endpoint.address6) member["address6"] = to_string(*endpoint.address6);
  if (!endpoint.answer.empty()) member["cni"] = ordered_json::parse(endpoint.answer, nullptr, false);
  for (const auto& port : endpoint.ports)
    member["ports"].push_back(to_string(port) + "->" + std::to_string(port.container_port));
  return member;
}

// The private key is nowhere but in its file and in the kernel.
ordered_json overlay_json(const Networks& networks, const runtime::network::OverlayLink& overlay) {
  ordered_json value = {{"vni", overlay.vni},
                        {"local", to_string(overlay.local)},
                        {"port", overlay.port},
                        {"encrypted", overlay.encrypted}};
  const auto& tunnel = networks.tunnel();
  if (overlay.encrypted && tunnel)
    value["wireguard"] = {
        {"device", tunnel->device},
        {"port", tunnel->port},
        {"publicKey", etcd::base64({static_cast<const char*>(static_cast<const void*>(tunnel->public_key.data())),
                                    tunnel->public_key.size()})}};
  return value;
}

ordered_json network_json(const Networks& networks, const NetworkSpec& spec) {
  const bool of_plugins = spec.driver == runtime::network::Driver::kCni;
  ordered_json value = {{"name", spec.name},
                        {"driver", to_string(spec.driver)},
                        {"device", spec.device.empty() ? spec.underlay.parent : spec.device},
                        {"subnet", of_plugins ? "" : to_string(spec.range)},
                        {"gateway", of_plugins ? "" : to_string(runtime::network::gateway_of(spec))}};
  if (spec.range6) {
    value["subnet6"] = to_string(*spec.range6);
    value["gateway6"] = to_string(runtime::network::gateway6_of(spec));
  }
  if (spec.part) value["ipRange"] = to_string(*spec.part);
  for (const auto& [name, address] : spec.reserved) value["auxAddresses"][name] = to_string(address);
  for (const auto& [name, option] : options_of(spec)) value["options"][name] = option;
  value["mtu"] = spec.mtu;
  if (const auto& overlay = spec.overlay) value["overlay"] = overlay_json(networks, *overlay);
  value["internal"] = spec.internal;
  value["icc"] = spec.between_containers;
  value["labels"] = ordered_json::object();
  for (const auto& [name, label] : spec.labels) value["labels"][name] = label;
  value["pods"] = ordered_json::array();
  for (const auto& each : networks.members_of(spec.name)) value["pods"].push_back(member_json(each));
  if (!spec.overlay) return value;
  value["elsewhere"] = ordered_json::array();
  for (const auto& each : networks.elsewhere(spec.name)) {
    value["elsewhere"].push_back({{"pod", each.names.front()},
                                  {"address", to_string(each.address)},
                                  {"mac", runtime::network::mac_text(each.mac)},
                                  {"machine", to_string(each.vtep)}});
  }
  return value;
}

// One "name=value" a line.
Networks::Words words_in(std::string lines) {
  Networks::Words words;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const std::string line = lines.substr(0, end);
    const auto equal = line.find('=');
    if (!line.empty())
      words.emplace_back(line.substr(0, equal), equal == std::string::npos ? "" : line.substr(equal + 1));
    lines.erase(0, end == std::string::npos ? lines.size() : end + 1);
  }
  return words;
}

Networks::Wanted wanted_of(const HttpRequest& request) {
  Networks::Wanted wanted;
  wanted.name = request.parameter("name");
  wanted.driver = request.parameter("driver");
  wanted.subnet = request.parameter("subnet");
  wanted.subnet6 = request.parameter("subnet6");
  wanted.gateway = request.parameter("gateway");
  wanted.gateway6 = request.parameter("gateway6");
  wanted.part = request.parameter("ipRange");
  wanted.reserved = words_in(request.parameter("auxAddresses"));
  wanted.options = words_in(request.parameter("options"));
  wanted.mtu = request.parameter("mtu");
  wanted.internal = request.parameter("internal") == "1";
  wanted.between_containers = request.parameter("icc") != "0";
  wanted.labels = words_in(request.body);
  return wanted;
}

void check(Networks& networks, const std::string& name, const std::shared_ptr<HttpReply>& reply) {
  networks.check(name, [reply, name](const Result<std::vector<Networks::CheckedPod>>& checked) {
    if (!checked) return reply->send(error_response(409, checked.error().what));
    ordered_json value = {{"network", name}, {"pods", ordered_json::array()}};
    for (const auto& [pod, wrong] : *checked) value["pods"].push_back({{"pod", pod}, {"wrong", wrong}});
    reply->send(json_response(value));
  });
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
  if (request.method == "POST" && action == "/check") return check(networks, request.parameter("name"), reply);
  if (request.method == "POST" && action == "/gc")
    return networks.collect_garbage(request.parameter("name"), when_done({{"network", request.parameter("name")}}));
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
