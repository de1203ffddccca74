// SPDX-License-Identifier: Apache-2.0
// Networks and named volumes.
#include <algorithm>
#include <cerrno>

#include "agent/docker/container/container_json.h"
#include "agent/docker/create/create_request.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/filters.h"
#include "agent/docker/network_request.h"
#include "agent/docker/routes.h"
#include "agent/networks/networks.h"
#include "config/values/ip_address.h"
#include "runtime/network/underlay.h"

namespace mete::agent::docker {
namespace {

using runtime::network::NetworkSpec;

constexpr const char* kHostNetworks[] = {"host", "none"};

Json plain_network(const std::string& name, const std::string& driver) {
  return {{"Name", name},
          {"Id", network_id(name)},
          {"Created", time_text({})},
          {"Scope", "local"},
          {"Driver", driver},
          {"EnableIPv6", false},
          {"IPAM", {{"Driver", "default"}, {"Options", Json()}, {"Config", Json::array()}}},
          {"Internal", false},
          {"Attachable", false},
          {"Ingress", false},
          {"ConfigFrom", {{"Network", ""}}},
          {"ConfigOnly", false},
          {"Containers", Json::object()},
          {"Options", Json::object()},
          {"Labels", Json::object()}};
}

Json network_json(const NetworkSpec& spec) {
  Json value = plain_network(spec.name, to_string(spec.driver));
  value["EnableIPv6"] = spec.range6.has_value();
  for (const auto& [name, option] : options_of(spec)) value["Options"][name] = option;
  for (const auto& [name, label] : spec.labels)
    value[name.starts_with(kNetworkOption) ? "Options" : "Labels"][name] = label;
  if (spec.name != kDefaultNetwork) value["IPAM"]["Options"] = Json::object();
  if (spec.driver == runtime::network::Driver::kCni) return value;
  Json& config = value["IPAM"]["Config"];
  config.push_back({{"Subnet", to_string(spec.range)}, {"Gateway", to_string(runtime::network::gateway_of(spec))}});
  if (spec.part) config.back()["IPRange"] = to_string(*spec.part);
  for (const auto& [name, address] : spec.reserved) config.back()["AuxiliaryAddresses"][name] = to_string(address);
  if (spec.range6)
    config.push_back(
        {{"Subnet", to_string(*spec.range6)}, {"Gateway", to_string(runtime::network::gateway6_of(spec))}});
  value["Internal"] = spec.internal;
  // Clients compare the options with what they have asked for: of their own networks these alone are shown.
  if (spec.name == kDefaultNetwork) {
    value["Options"]["com.docker.network.bridge.name"] = spec.device;
    value["Options"]["com.docker.network.bridge.enable_icc"] = spec.between_containers ? "true" : "false";
    value["Options"]["com.docker.network.driver.mtu"] = std::to_string(spec.mtu);
  }
  return value;
}

unsigned length_of(const NetworkSpec& spec, const runtime::network::Endpoint& endpoint) {
  const auto told = runtime::network::cni::address_in(endpoint.answer, endpoint.address);
  return told ? told->length : spec.range.length;
}

Json members_json(Engine& engine, const NetworkSpec& spec) {
  Json members = Json::object();
  for (const auto& each : engine.networks().members_of(spec.name)) {
    const std::string key = each.names.empty() ? "" : each.names.front();
    std::string id = network_id(key);  // of a Pod: it has none
    std::string name = key;
    for (const auto& [own, record] : engine.containers().all()) {
      if (record.key() != key) continue;
      id = own;
      name = record.name;
    }
    members[id] = {{"Name", name},
                   {"EndpointID", network_id(each.network + "/" + each.device)},
                   {"MacAddress", runtime::network::mac_text(each.mac)},
                   {"IPv4Address", to_string(each.address) + "/" + std::to_string(length_of(spec, each))},
                   {"IPv6Address", each.address6 ? to_string(*each.address6) : ""}};
  }
  return members;
}

std::optional<NetworkSpec> network_named(Engine& engine, const std::string& word) {
  for (auto& spec : engine.networks().list()) {
    const std::string id = network_id(spec.name);
    if (spec.name == word || (word.size() >= 4 && id.starts_with(word))) return spec;
  }
  return std::nullopt;
}

void tell_network(Engine& engine, const std::string& action, const NetworkSpec& spec, Json more = Json::object()) {
  const std::string& name = spec.name;
  more["name"] = name;
  more["type"] = to_string(spec.driver);
  engine.containers().events().add({"network", action, network_id(name), std::move(more), {}});
}

// A container that is to be in a network, or not any more.
struct Membership {
  Json body;
  NetworkSpec network;
  std::string container;  // its id
};

// Empty: refused already.
std::optional<Membership> membership_of(Engine& engine, const Call& call) {
  auto body = parse_required_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what), std::nullopt;
  const auto spec = network_named(engine, call.words.front());
  if (!spec) return refuse(call, 404, "network " + call.words.front() + " not found"), std::nullopt;
  const auto found = engine.containers().find(text_of(*body, "Container"));
  if (!found) return refuse(call, found.error().status, found.error().message), std::nullopt;
  return Membership{std::move(*body), *spec, (*found)->id};
}

// Tells what was done as an event and as the answer.
Done told(Engine& engine, const Call& call, const char* action, const Membership& asked) {
  return [&engine, call, action, spec = asked.network, id = asked.container](const auto& refusal) {
    if (!refusal) tell_network(engine, action, spec, {{"container", id}});
    answer_done(call, refusal, 200);
  };
}

}  // namespace

void list_networks(Engine& engine, const Call& call) {
  const auto filters =
      Filters::parse(call.parameter("filters"), {"name", "id", "driver", "label", "scope", "type", "dangling"});
  if (!filters) return refuse(call, 400, filters.error().what);
  const auto dangling = filters->truth("dangling");
  if (!dangling)
    return refuse(call, 400,
                  "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")");
  for (const auto& type : filters->values("type")) {
    if (type != "custom" && type != "builtin") return refuse(call, 400, "invalid filter: 'type'='" + type + "'");
  }
  Json all = Json::array();
  const auto unused = engine.networks().unused();
  for (const auto& spec : engine.networks().list()) {
    Json value = network_json(spec);
    const bool is_unused = std::find(unused.begin(), unused.end(), spec.name) != unused.end();
    if (*dangling && **dangling != is_unused) continue;
    all.push_back(std::move(value));
  }
  for (const char* name : kHostNetworks)
    all.push_back(plain_network(name, std::string(name) == "none" ? "null" : name));
  Json rows = Json::array();
  for (auto& each : all) {
    const std::string id = text_of(each, "Id");
    const auto ids = filters->values("id");
    const bool own = each["Name"] != "bridge" && each["Driver"] != "host" && each["Driver"] != "null";
    const bool asked =
        filters->contains("name", text_of(each, "Name")) && filters->equals("driver", text_of(each, "Driver")) &&
        filters->equals("scope", "local") && filters->equals("type", own ? "custom" : "builtin") &&
        filters->labels(texts_of(each, "Labels")) &&
        (ids.empty() || std::any_of(ids.begin(), ids.end(), [&](const auto& begin) { return id.starts_with(begin); }));
    if (asked) rows.push_back(std::move(each));
  }
  answer(call, rows);
}

void inspect_network(Engine& engine, const Call& call) {
  const std::string& word = call.words.front();
  for (const char* name : kHostNetworks) {
    if (word == name || (word.size() >= 12 && network_id(name).starts_with(word)))
      return answer(call, plain_network(name, std::string(name) == "none" ? "null" : name));
  }
  const auto spec = network_named(engine, word);
  if (!spec) return refuse(call, 404, "network " + word + " not found");
  Json value = network_json(*spec);
  value["Containers"] = members_json(engine, *spec);
  answer(call, value);
}

void create_network(Engine& engine, const Call& call) {
  const auto body = parse_required_body(call.request.body);
  if (!body) return refuse(call, 400, body.error().what);
  const std::string driver = text_of(*body, "Driver");
  if (!driver.empty() && !runtime::network::driver_named(driver))
    return refuse(call, 404, "plugin \"" + driver + "\" not found");
  const std::string name = text_of(*body, "Name");
  if (network_named(engine, name) || name == "host" || name == "none")
    return refuse(call, 409, "network with name " + name + " already exists");
  const auto wanted = wanted_network(*body);
  if (!wanted) return refuse(call, 400, wanted.error().what);
  engine.networks().create(*wanted, [&engine, call, name](const Status& done) {
    if (!done) return refuse(call, 400, done.error().what);
    if (const auto spec = network_named(engine, name)) tell_network(engine, "create", *spec);
    answer(call, {{"Id", network_id(name)}, {"Warning", ""}}, 201);
  });
}

void remove_network(Engine& engine, const Call& call) {
  const std::string& word = call.words.front();
  if (word == "bridge" || word == "host" || word == "none")
    return refuse(call, 403, word + " is a pre-defined network and cannot be removed");
  const auto spec = network_named(engine, word);
  if (!spec) return refuse(call, 404, "network " + word + " not found");
  if (!engine.networks().members_of(spec->name).empty())
    return refuse(call, 403,
                  "error while removing network: network " + spec->name + " id " + network_id(spec->name) +
                      " has active endpoints");
  engine.networks().remove(spec->name, [&engine, call, spec = *spec](const Status& done) {
    if (!done) return refuse(call, done.error().code == ENOENT ? 404 : 403, done.error().what);
    tell_network(engine, "destroy", spec);
    answer_nothing(call);
  });
}

void prune_networks(Engine& engine, const Call& call) {
  const auto filters = Filters::parse(call.parameter("filters"), {"label", "label!", "until"});
  if (!filters) return refuse(call, 400, filters.error().what);
  if (const auto until = filters->until(); !until) return refuse(call, 400, until.error().what);
  if (filters->has("until"))
    return refuse(call, 400, "until: found one, but mete does not keep when a network was made");
  Json removed = Json::array();
  const auto unused = engine.networks().unused();
  for (const auto& spec : engine.networks().list()) {
    const std::map<std::string, std::string> labels(spec.labels.begin(), spec.labels.end());
    if (std::find(unused.begin(), unused.end(), spec.name) == unused.end() || !filters->labels(labels)) continue;
    removed.push_back(spec.name);
    engine.networks().remove(spec.name, [](const Status&) {});
    tell_network(engine, "destroy", spec);
  }
  tell_prune(engine, "network");
  answer(call, {{"NetworksDeleted", removed.empty() ? Json() : removed}});
}

void connect_network(Engine& engine, const Call& call) {
  const auto asked = membership_of(engine, call);
  if (!asked) return;
  engine.containers().connect(asked->container, asked->network.name, field(asked->body, "EndpointConfig"),
                              told(engine, call, "connect", *asked));
}

void disconnect_network(Engine& engine, const Call& call) {
  const auto asked = membership_of(engine, call);
  if (!asked) return;
  engine.containers().disconnect(asked->container, asked->network.name, told(engine, call, "disconnect", *asked));
}

}  // namespace mete::agent::docker
