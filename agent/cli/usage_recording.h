// SPDX-License-Identifier: Apache-2.0
// A recording of a container's usage, which `mete advise --recording` reads in place of the agent's models.
#pragma once

#include <string>

#include "agent/export/usage_models.h"

namespace mete::agent::cli {

// Reads one sample per line: seconds since the epoch at its end, cores used, cores throttled, bytes of memory, OOM
// kills, with commas between them; empty lines and lines that begin with # are left out. A sample begins at the end of
// the one before; the first lasts a minute. The error names file and line.
[[nodiscard]] Result<NamedModel> read_recording(const std::string& path);

}  // namespace mete::agent::cli
