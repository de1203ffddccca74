// SPDX-License-Identifier: Apache-2.0
// Runs a program of the system (mkfs and the like) to its end.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::storage {

// Looked for in the directories of administrators, too, which a service's PATH may not have. Empty: not installed.
[[nodiscard]] std::string find_program(const std::string& name);

// `most`: the largest exit code that is no failure. The error has the last line that the program printed.
[[nodiscard]] Status run_program(const std::vector<std::string>& words, int most = 0);

}  // namespace mete::runtime::storage
