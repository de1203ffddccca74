// SPDX-License-Identifier: Apache-2.0
// What `mete top` and `mete stats` share: the agent's answer, and its rows as JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/output/output.h"
#include "agent/cli/top/model.h"

namespace mete::agent::cli {

constexpr auto kFirstStats = std::chrono::milliseconds(500);  // delay to the second answer: rates need two
constexpr auto kFollowingStats = std::chrono::seconds(1);

// Empty: `problem` holds the error.
[[nodiscard]] std::optional<Stats> ask_stats(const Common& common, std::string& problem);
[[nodiscard]] Json stats_json(const std::vector<TopRow>& rows);

}  // namespace mete::agent::cli
