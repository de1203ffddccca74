// SPDX-License-Identifier: Apache-2.0
// Which limits a pod and its containers are under, who asked for them, and what lately came of it.
#pragma once

#include <nlohmann/json.hpp>

#include "agent/pod.h"

namespace mete::agent {

[[nodiscard]] nlohmann::ordered_json explain_json(Pod& pod);

}  // namespace mete::agent
