// SPDX-License-Identifier: Apache-2.0
// The part of agent.yaml on other OCI runtimes. Internal to config/.
#pragma once

#include <vector>

#include "config/model/runtime_programs.h"
#include "config/reading/fields.h"
#include "config/reading/yaml/view.h"

namespace mete::config {

extern const ObjectSpec kRuntimeSpec;
[[nodiscard]] std::vector<RuntimeProgram> read_runtimes(const View& view);

}  // namespace mete::config
