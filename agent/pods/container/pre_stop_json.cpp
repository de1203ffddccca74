// SPDX-License-Identifier: Apache-2.0
#include "agent/pods/container/pre_stop_json.h"

#include "runtime/json.h"

namespace mete::agent {

using nlohmann::json;

json to_json(const config::PreStopHook& hook) {
  json value = {{"command", hook.command}, {"pause", hook.pause.count()}};
  // Said only where there is one: what is named by a hash made before there were any stays what it is.
  if (hook.http) {
    value["http"] = {{"host", hook.http->host},
                     {"port", hook.http->port},
                     {"path", hook.http->path},
                     {"https", hook.http->https},
                     {"headers", hook.http->headers}};
  }
  return value;
}

config::PreStopHook pre_stop_of(const json& value) {
  config::PreStopHook hook{.command = value.at("command").get<std::vector<std::string>>(),
                           .pause = std::chrono::seconds(value.at("pause").get<std::int64_t>())};
  if (value.contains("http")) {
    const auto& http = value.at("http");
    hook.http = config::HttpGet{http.at("host").get<std::string>(), http.at("port").get<std::uint16_t>(),
                                http.at("path").get<std::string>(), http.at("https").get<bool>(),
                                http.at("headers").get<std::vector<std::pair<std::string, std::string>>>()};
  }
  return hook;
}

}  // namespace mete::agent
