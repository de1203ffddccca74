// SPDX-License-Identifier: Apache-2.0
// Options of the agent's parts, computed from its settings.
#pragma once

#include <string>

#include "agent/base/settings.h"
#include "collectors/reader.h"
#include "config/base/result.h"

namespace mete::agent {

// The path of mete-shim: the one that is named, else beside this program, else in ../libexec/mete, the place of
// programs that users do not call. An error: there is no such program.
[[nodiscard]] Result<std::string> shim_path(const Settings& settings);
[[nodiscard]] collectors::ReaderOptions reader_options(const Settings& settings);

}  // namespace mete::agent
