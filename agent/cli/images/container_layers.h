// SPDX-License-Identifier: Apache-2.0
// Finds the writable layer of a container for `mete commit`, `diff` and `export`.
#pragma once

#include <string>

#include "agent/cli/command_line.h"

namespace mete::agent::cli {

// `mete diff POD`: docker's lines, "A /new", "C /changed", "D /deleted".
[[nodiscard]] int container_diff(const Common& common, const std::string& pod, const std::string& container);

}  // namespace mete::agent::cli
