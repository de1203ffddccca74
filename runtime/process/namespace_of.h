// SPDX-License-Identifier: Apache-2.0
// A namespace of a running process.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::runtime::process {

// `kind`: its name below /proc/PID/ns, "net" (namespaces(7)). The error: the process has ended; ESRCH or ENOENT.
[[nodiscard]] Result<UniqueFd> open_namespace_of(const ProcessId& process, const std::string& kind);

}  // namespace mete::runtime::process
