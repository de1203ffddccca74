// SPDX-License-Identifier: Apache-2.0
// The daemon: wiring only.
#pragma once

#include <chrono>
#include <optional>

#include "agent/base/settings.h"
#include "config/base/result.h"

namespace mete::agent {

// Restores what an agent that no longer runs has changed on cgroups of others. Returns one line per restored file. An
// error: an agent is running, or a file could not be restored.
[[nodiscard]] Result<std::vector<std::string>> roll_back(const Settings& settings);

// Runs until SIGTERM or SIGINT, or for `run_for`. Containers keep running; with `remove_all` they are ended first, and
// nothing is left behind. The error says why the agent could not start: another agent uses the same state, a port is
// taken, no cgroups.
[[nodiscard]] Status run_agent(const Settings& settings, std::optional<std::chrono::seconds> run_for, bool remove_all);

}  // namespace mete::agent
