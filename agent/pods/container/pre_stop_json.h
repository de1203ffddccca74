// SPDX-License-Identifier: Apache-2.0
// A preStop hook as JSON: in a pod's record, and in what makes a container another one.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "config/pod_spec.h"

namespace mete::agent {

[[nodiscard]] nlohmann::json to_json(const config::PreStopHook& hook);
// Throws nlohmann::json::exception for what is none.
[[nodiscard]] config::PreStopHook pre_stop_of(const nlohmann::json& value);

}  // namespace mete::agent
