// SPDX-License-Identifier: Apache-2.0
#include "agent/docker/container/container_json.h"

#include <algorithm>

#include "agent/docker/container/of_others.h"
#include "agent/docker/create/pod_of.h"
#include "agent/docker/endpoints.h"
#include "runtime/image/sha256.h"
#include "runtime/process/plan/defaults.h"

namespace mete::agent::docker {
namespace {

// What mete keeps among the client's wishes is not the client's.
Json shown_config(const Json& config) {
  Json shown = Json::object();
  for (const auto& [name, value] : config.items()) {
    if (!name.starts_with("Mete")) shown[name] = value;
  }
  return shown;
}

// With what docker's engine fills in. Older clients look for limits that no kernel has any more.
Json shown_host_config(const View& view) {
  Json shown = view.record.host_config;
  constexpr int kWithoutKernelMemory = 42;
  if (view.version < kWithoutKernelMemory) shown["KernelMemory"] = shown["KernelMemoryTCP"] = 0;
  const bool privileged = flag_of(shown, "Privileged");
  shown["MaskedPaths"] = privileged ? Json() : Json(runtime::process::default_masked_paths());
  if (const Json links = links_json(view.record); !links.is_null()) shown["Links"] = links;
  shown["ReadonlyPaths"] = privileged ? Json() : Json(runtime::process::default_read_only_paths());
  return shown;
}

std::vector<std::string> command_line(const ContainerRecord& record) {
  auto words = words_of(record.config, "Entrypoint");
  for (auto& word : words_of(record.config, "Cmd")) words.push_back(std::move(word));
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& each : words) {
    const bool quoted = each.find(' ') != std::string::npos;
    text.append(text.empty() ? "" : " ").append(quoted ? "'" + each + "'" : each);
  }
  return text;
}

Json mounts_json(const View& view) {
  Json list = Json::array();
  const auto mounts = mounts_of(view.record.config, view.record.host_config);
  if (!mounts) return list;
  for (const auto& each : *mounts) {
    Json value = {{"Type", each.type}};
    if (each.type == "volume") {
      value["Name"] = each.source;
      value["Source"] = volume_path(view.volumes, each.source);
    } else {
      value["Source"] = each.source;
    }
    value["Destination"] = each.target;
    if (each.type == "volume") value["Driver"] = "local";
    value["Mode"] = each.mode;
    value["RW"] = !each.read_only;
    value["Propagation"] = each.propagation;
    list.push_back(std::move(value));
  }
  return list;
}

// What a client has asked for in a network. Older clients know a container by its short id among the aliases.
Json asked_json(const View& view, const std::string& network) {
  constexpr int kApart = 45;
  const Json& asked = endpoint_in(view.record, network);
  auto aliases = words_of(asked, "Aliases");
  const std::string short_id = view.record.short_id();
  const bool has = std::find(aliases.begin(), aliases.end(), short_id) != aliases.end();
  if (view.version < kApart && network != "bridge" && network != "host" && network != "none" && !has)
    aliases.push_back(short_id);
  return {{"IPAMConfig", field(asked, "IPAMConfig")},
          {"Links", is_nothing(field(asked, "Links")) ? Json() : field(asked, "Links")},
          {"Aliases", aliases.empty() ? Json() : Json(aliases)},
          {"MacAddress", text_of(asked, "MacAddress")},
          {"NetworkID", network_id(network)},
          {"EndpointID", ""},
          {"Gateway", ""},
          {"IPAddress", ""},
          {"IPPrefixLen", 0},
          {"IPv6Gateway", ""},
          {"GlobalIPv6Address", ""},
          {"GlobalIPv6PrefixLen", 0},
          {"DriverOpts", field(asked, "DriverOpts")}};
}

void take_end(const Attached& network, Json& shown) {
  const auto& endpoint = network.endpoint;
  shown["MacAddress"] = runtime::network::mac_text(endpoint.mac);
  shown["EndpointID"] = network_id(endpoint.network + "/" + endpoint.device);
  shown["Gateway"] = network.gateway;
  shown["IPAddress"] = to_string(endpoint.address);
  shown["IPPrefixLen"] = network.prefix;
  shown["GlobalIPv6Address"] = endpoint.address6 ? to_string(*endpoint.address6) : "";
  shown["GlobalIPv6PrefixLen"] = network.prefix6;
}

// Those that it is to be in, and what it has there now.
Json networks_json(const View& view) {
  Json networks = Json::object();
  const std::string own = own_network(view.record);
  if (own.starts_with("container:") || has_left_all(view.record)) return networks;
  networks[own] = asked_json(view, own);
  for (const auto& name : further_networks(view.record)) networks[name] = asked_json(view, name);
  for (const auto& each : view.networks) {
    const std::string& name = each.endpoint.network;
    if (!networks.contains(name)) networks[name] = asked_json(view, name);
    take_end(each, networks[name]);
  }
  return networks;
}

// Those that lead somewhere now; exposed ones that do not are null.
Json ports_json(const View& view) {
  Json ports = Json::object();
  for (const auto& name : names_in(view.record.config, "ExposedPorts")) ports[name] = Json();
  if (!view.state.has_process()) return Json::object();
  const auto asked = ports_of(view.record.config, view.record.host_config);
  if (!asked) return ports;
  for (const auto& each : *asked) {
    Json& list = ports[std::to_string(each.container_port) + "/" + each.protocol];
    if (list.is_null()) list = Json::array();
    const std::string number = std::to_string(each.host_port);
    if (!each.host_ip.empty()) {
      list.push_back({{"HostIp", each.host_ip}, {"HostPort", number}});
      continue;
    }
    list.push_back({{"HostIp", "0.0.0.0"}, {"HostPort", number}});
    list.push_back({{"HostIp", "::"}, {"HostPort", number}});
  }
  return ports;
}

Json state_json(const View& view) {
  const State& state = view.state;
  Json shown = {{"Status", state.status},
                {"Running", state.running},
                {"Paused", state.paused},
                {"Restarting", state.restarting},
                {"OOMKilled", state.out_of_memory},
                {"Dead", false},
                {"Pid", state.pid},
                {"ExitCode", !view.record.error.empty() && state.exit_code == 0 ? 128 : state.exit_code},
                {"Error", view.record.error},
                {"StartedAt", time_text(state.started)},
                {"FinishedAt", time_text(state.finished)}};
  if (view.health != nullptr) shown["Health"] = to_json(*view.health);
  return shown;
}

Json network_settings(const View& view) {
  Json settings = {{"Bridge", ""},
                   {"SandboxID", view.state.has_process() ? view.record.id : ""},
                   {"SandboxKey", ""},
                   {"Ports", ports_json(view)},
                   {"HairpinMode", false},
                   {"LinkLocalIPv6Address", ""},
                   {"LinkLocalIPv6PrefixLen", 0},
                   {"SecondaryIPAddresses", Json()},
                   {"SecondaryIPv6Addresses", Json()}};
  const Json networks = networks_json(view);
  const Json& first = field(networks, "bridge");
  for (const char* name : {"EndpointID", "Gateway", "GlobalIPv6Address", "IPAddress", "IPv6Gateway", "MacAddress"})
    settings[name] = text_of(first, name);
  settings["IPPrefixLen"] = agent::docker::number_of(first, "IPPrefixLen");
  settings["GlobalIPv6PrefixLen"] = agent::docker::number_of(first, "GlobalIPv6PrefixLen");
  settings["Networks"] = networks;
  return settings;
}

}  // namespace

std::string network_id(const std::string& name) {
  runtime::image::Sha256 hash;
  hash.update(name);
  return hash.hex();
}

Json port_rows(const View& view) {
  Json rows = Json::array();
  const Json ports = ports_json(view);
  for (const auto& [name, list] : ports.items()) {
    const auto port = exposed_port(name);
    if (!port) continue;  // a container of an earlier mete, which took any name
    const auto inside = port->container_port;
    const std::string& type = port->protocol;
    if (!list.is_array()) rows.push_back({{"PrivatePort", inside}, {"Type", type}});
    for (const auto& each : list.is_array() ? list : Json::array()) {
      rows.push_back({{"IP", text_of(each, "HostIp")},
                      {"PrivatePort", inside},
                      {"PublicPort", std::atoi(text_of(each, "HostPort").c_str())},
                      {"Type", type}});
    }
  }
  return rows;
}

std::string row_status(const View& view, WallTime now) {
  std::string status = status_text(view.state, now);
  if (view.health != nullptr && view.state.has_process() && !view.state.paused && !view.state.removing)
    status += " (" + view.health->shown() + ")";
  return status;
}

Json row_begin(const View& view) {
  const auto& record = view.record;
  const std::int64_t created =
      std::chrono::duration_cast<std::chrono::seconds>(record.created.time_since_epoch()).count();
  return {{"Id", record.id},
          {"Names", Json::array({"/" + record.name})},
          {"Image", record.image},
          {"ImageID", record.image_id},
          {"Command", joined(command_line(record))},
          {"Created", created},
          {"Ports", port_rows(view)},
          {"Labels", field(record.config, "Labels")}};
}

Json row_end(const View& view) {
  Json networks = Json::object();
  networks["Networks"] = networks_json(view);
  return {{"HostConfig", {{"NetworkMode", text_of(view.record.host_config, "NetworkMode")}}},
          {"NetworkSettings", std::move(networks)},
          {"Mounts", mounts_json(view)}};
}

Json inspect_json(const View& view) {
  const auto& record = view.record;
  auto command = command_line(record);
  const std::string path = command.empty() ? "" : command.front();
  if (!command.empty()) command.erase(command.begin());
  return {{"Id", record.id},
          {"Created", time_text(record.created)},
          {"Path", path},
          {"Args", command},
          {"State", state_json(view)},
          {"Image", record.image_id},
          {"ResolvConfPath", ""},
          {"HostnamePath", ""},
          {"HostsPath", ""},
          {"LogPath", view.log},
          {"Name", "/" + record.name},
          {"RestartCount", view.state.restarts},
          {"Driver", "overlay2"},
          {"Platform", "linux"},
          {"MountLabel", ""},
          {"ProcessLabel", ""},
          {"AppArmorProfile", ""},
          {"ExecIDs", view.execs.empty() ? Json() : Json(view.execs)},
          {"HostConfig", shown_host_config(view)},
          {"GraphDriver", {{"Data", Json()}, {"Name", "overlay2"}}},
          {"Mounts", mounts_json(view)},
          {"Config", shown_config(record.config)},
          {"NetworkSettings", network_settings(view)}};
}

}  // namespace mete::agent::docker
