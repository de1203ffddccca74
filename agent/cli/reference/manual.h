// SPDX-License-Identifier: Apache-2.0
// The manual pages: pure, from the definitions of the commands and of agent.yaml's fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/reference/command_model.h"

namespace mete::agent::cli {

struct ManualPage {
  std::string name;  // "mete-agent.8"
  std::string text;
};

// `mete`: the model of mete itself. `date`: YYYY-MM-DD.
[[nodiscard]] std::vector<ManualPage> manual_pages(const CommandModel& mete, std::string_view date);

}  // namespace mete::agent::cli
