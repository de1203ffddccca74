// SPDX-License-Identifier: Apache-2.0
// mete's commands as plain values, read off CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include "agent/cli/reference/command_model.h"

namespace mete::agent::cli {

// Without the commands that --help leaves out.
[[nodiscard]] CommandModel command_model(const CLI::App& app);

}  // namespace mete::agent::cli
