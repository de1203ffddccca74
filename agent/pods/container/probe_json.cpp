// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/probe_json.h"

#include "runtime/json.h"

namespace mete::agent {
namespace {

using nlohmann::json;

// Said only where there is one, as all that came after the first records.
template <class Action>
json with_unknown_port(json value, const Action& action) {
  if (!action.unknown_port.empty()) value["unknown_port"] = action.unknown_port;
  return value;
}

json http_json(const config::HttpGet& http) {
  return with_unknown_port(
      {{"host", http.host}, {"port", http.port}, {"path", http.path}, {"https", http.https}, {"headers", http.headers}},
      http);
}

json tcp_json(const config::TcpConnect& tcp) {
  return with_unknown_port({{"host", tcp.host}, {"port", tcp.port}}, tcp);
}

}  // namespace

json to_json(const config::HookAction& hook) {
  const auto* const exec = std::get_if<config::ExecAction>(&hook);
  const auto* const pause = std::get_if<config::Pause>(&hook);
  json value = {{"command", exec != nullptr ? exec->command : std::vector<std::string>()},
                {"pause", pause != nullptr ? pause->length.count() : 0}};
  // Said only where there is one: what is named by a hash made before there were any stays what it is.
  if (const auto* const http = std::get_if<config::HttpGet>(&hook)) value["http"] = http_json(*http);
  if (const auto* const tcp = std::get_if<config::TcpConnect>(&hook)) value["tcp"] = tcp_json(*tcp);
  return value;
}

config::HookAction hook_of(const json& value) {
  if (value.contains("http")) {
    const auto& http = value.at("http");
    return config::HttpGet{http.at("host").get<std::string>(),
                           http.at("port").get<std::uint16_t>(),
                           http.at("path").get<std::string>(),
                           http.at("https").get<bool>(),
                           http.at("headers").get<std::vector<std::pair<std::string, std::string>>>(),
                           http.value("unknown_port", std::string())};
  }
  if (value.contains("tcp")) {
    const auto& tcp = value.at("tcp");
    return config::TcpConnect{tcp.at("host").get<std::string>(), tcp.at("port").get<std::uint16_t>(),
                              tcp.value("unknown_port", std::string())};
  }
  if (auto command = value.at("command").get<std::vector<std::string>>(); !command.empty())
    return config::ExecAction{std::move(command)};
  return config::Pause{std::chrono::seconds(value.at("pause").get<std::int64_t>())};
}

void write_care(const ContainerRecord& record, json& to) {
  if (record.post_started) to["post_started"] = true;
  to["started"] = record.started;
  to["ready"] = record.ready;
  if (record.end_within) to["end_within"] = record.end_within->count();
  if (record.unwell) to["unwell"] = true;
  if (record.has_post_start) to["has_post_start"] = true;
  if (record.restart) to["restart_policy"] = static_cast<int>(*record.restart);
  if (record.pre_stop) to["pre_stop"] = to_json(*record.pre_stop);
}

void read_care(const json& from, ContainerRecord& record) {
  // The records of 0.1.0 know of no probes: what ran was ready.
  const bool runs = record.state == ContainerState::kRunning;
  record.started = from.value("started", runs);
  record.ready = from.value("ready", runs);
  record.post_started = from.value("post_started", runs && !from.contains("started"));
  if (from.contains("end_within")) record.end_within = std::chrono::seconds(from.at("end_within").get<std::int64_t>());
  record.unwell = from.value("unwell", false);
  record.has_post_start = from.value("has_post_start", false);
  if (from.contains("restart_policy"))
    record.restart = static_cast<config::RestartPolicy>(from.at("restart_policy").get<int>());
  if (from.contains("pre_stop")) record.pre_stop = hook_of(from.at("pre_stop"));
}

}  // namespace mete::agent
