// SPDX-License-Identifier: Apache-2.0
// Parts of a pod's record as JSON. What reads throws nlohmann::json::exception where a part is not as it was written.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>

#include "agent/pods/record/pod_record.h"

namespace mete::agent {

[[nodiscard]] std::int64_t since_epoch(WallTime at);  // nanoseconds
[[nodiscard]] WallTime wall_time(std::int64_t count);

[[nodiscard]] nlohmann::json process_json(const runtime::process::ProcessId& id);
[[nodiscard]] runtime::process::ProcessId process_of(const nlohmann::json& value);

// A record of an earlier version may lack fields: they are then as they were before there were any.
[[nodiscard]] nlohmann::json container_json(const ContainerRecord& record);
[[nodiscard]] ContainerRecord container_of(const nlohmann::json& value);

}  // namespace mete::agent
