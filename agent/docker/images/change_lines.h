// SPDX-License-Identifier: Apache-2.0
// ?changes= of commit and import: what the image's configuration is to have, in a Dockerfile's words. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/docker/fields.h"

namespace mete::agent::docker {

// The instructions of all parameters, each of which may have several lines.
[[nodiscard]] std::vector<std::string> change_lines(const std::vector<std::string>& parameters);

// Why docker's engine refuses the lines, in its words; empty: it does not.
[[nodiscard]] std::string wrong_change(const std::vector<std::string>& lines);

// What a container's configuration has, in such instructions: of a commit, before those of the client.
[[nodiscard]] std::vector<std::string> lines_of_config(const Json& config);

}  // namespace mete::agent::docker
