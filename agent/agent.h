// SPDX-License-Identifier: Apache-2.0
// The daemon: wiring only.
#pragma once

#include <chrono>
#include <optional>

#include "agent/base/settings.h"
#include "config/result.h"

namespace mete::agent {

// Puts back what an agent that no longer runs has changed on cgroups of others. One line a file that was put back. The
// error: an agent is running, or something could not be put back.
[[nodiscard]] Result<std::vector<std::string>> roll_back(const Settings& settings);

// Runs until SIGTERM or SIGINT, or for `run_for`. Containers go on; with `remove_all` they are ended first, and nothing
// is left behind. The error says why it could not start: another agent on the same state, a port that is taken, no
// cgroups.
[[nodiscard]] Status run_agent(const Settings& settings, std::optional<std::chrono::seconds> run_for, bool remove_all);

}  // namespace mete::agent
