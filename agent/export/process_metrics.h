// SPDX-License-Identifier: Apache-2.0
// The agent's own process under the names that Prometheus' client libraries use.
#pragma once

#include <string>

#include "collectors/exposition/exposition.h"

namespace mete::agent {

// Since Linux 6.2 the size of /proc/PID/fd is the number of descriptors; on older kernels they are counted.
[[nodiscard]] std::uint64_t open_descriptors();

// Writes process_*; what cannot be read is left out. Sources: getrusage(2), /proc/self/statm, /proc/self/stat
// starttime, /proc/stat btime, RLIMIT_NOFILE.
void write_process(std::string& out, collectors::Format format);

}  // namespace mete::agent
