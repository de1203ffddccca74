// SPDX-License-Identifier: Apache-2.0
// Hooks as JSON, in a pod's record and in its identity; what a record says of hooks and probes.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "agent/pods/record/pod_record.h"
#include "config/model/probe.h"

namespace mete::agent {

[[nodiscard]] nlohmann::json to_json(const config::HookAction& hook);
[[nodiscard]] config::HookAction hook_of(const nlohmann::json& value);

// The part of a container's record that is about hooks, probes and restarts. What an older record does not say is as it
// was before there were any.
void write_care(const ContainerRecord& record, nlohmann::json& to);
void read_care(const nlohmann::json& from, ContainerRecord& record);

}  // namespace mete::agent
