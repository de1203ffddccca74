// SPDX-License-Identifier: Apache-2.0
// Reads variations of the example config.json.
#pragma once

#include "runtime/json.h"
#include "runtime/oci/config/config.h"
#include "runtime/oci/config/example.h"

namespace mete::runtime::oci {

using Json = nlohmann::json;

inline Surroundings surroundings() {
  Surroundings some;
  some.bundle = "/bundle";
  some.cgroup_view.v1 = {{"cpu", "cpu"}, {"memory", "memory"}};
  some.cgroup_view.unified = true;
  return some;
}

inline Json example() {
  return Json::parse(example_config());
}

inline Result<Config> read(const Json& json) {
  return read_config(json.dump(), surroundings());
}

inline std::string error_of(const Json& json) {
  const auto config = read(json);
  return config ? "" : config.error().what;
}

}  // namespace mete::runtime::oci
