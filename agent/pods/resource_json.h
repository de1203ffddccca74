// SPDX-License-Identifier: Apache-2.0
// Requests or limits as JSON, for the API and for identities.
#pragma once

#include <string>

#include "config/pod_spec.h"
#include "runtime/json.h"

namespace mete::agent {

// {"cpu": "500m", "memory": "67108864", "hugepages-2Mi": ...}, without what is not said.
[[nodiscard]] inline nlohmann::json resource_json(const config::ResourceList& list) {
  nlohmann::json value = nlohmann::json::object();
  if (list.cpu) value["cpu"] = std::to_string(list.cpu->count()) + "m";
  if (list.memory) value["memory"] = std::to_string(list.memory->count());
  for (const auto& [size, bytes] : list.huge_pages) value["hugepages-" + size] = std::to_string(bytes.count());
  return value;
}

}  // namespace mete::agent
