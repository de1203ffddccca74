// SPDX-License-Identifier: Apache-2.0
// Requests and limits as JSON, for the API, for identities and for records.
#pragma once

#include <string>

#include "config/model/bandwidth.h"
#include "config/model/pod_spec.h"
#include "runtime/json.h"

namespace mete::agent {

// {"cpu": "500m", "memory": "67108864", "hugepages-2Mi": ...}, without what is not said.
[[nodiscard]] inline nlohmann::json resource_json(const config::ResourceList& list) {
  nlohmann::json value = nlohmann::json::object();
  if (list.cpu) value["cpu"] = std::to_string(list.cpu->count()) + "m";
  if (list.memory) value["memory"] = std::to_string(list.memory->count());
  for (const auto& [size, bytes] : *list.huge_pages) value["hugepages-" + size] = std::to_string(bytes.count());
  for (const auto& [kind, count] : *list.devices) value[kind] = std::to_string(count);
  return value;
}

// {"ingress": 1000, ...}, without what is not said.
[[nodiscard]] inline nlohmann::json bandwidth_json(const config::Bandwidth& bandwidth) {
  nlohmann::json value = nlohmann::json::object();
  if (bandwidth.ingress) value["ingress"] = *bandwidth.ingress;
  if (bandwidth.egress) value["egress"] = *bandwidth.egress;
  if (bandwidth.burst) value["burst"] = *bandwidth.burst;
  return value;
}
[[nodiscard]] inline config::Bandwidth bandwidth_in(const nlohmann::json& value) {
  const auto number = [&](const char* name) {
    return value.contains(name) ? std::optional(value.at(name).get<std::int64_t>()) : std::nullopt;
  };
  return {number("ingress"), number("egress"), number("burst")};
}

}  // namespace mete::agent
