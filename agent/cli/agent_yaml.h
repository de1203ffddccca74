// SPDX-License-Identifier: Apache-2.0
// Reads agent.yaml for commands that need its settings without an agent.
#pragma once

#include <string>

#include "agent/base/settings.h"
#include "config/base/result.h"

namespace mete::agent::cli {

// Reads agent.yaml. The default file may be missing; a file named on the command line may not. Only the first error is
// reported.
[[nodiscard]] Status read_agent_yaml(Settings& settings, const std::string& config);

}  // namespace mete::agent::cli
