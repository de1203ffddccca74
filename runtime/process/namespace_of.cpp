// SPDX-License-Identifier: Apache-2.0
#include "runtime/process/namespace_of.h"

#include <fcntl.h>

#include "runtime/file.h"

namespace mete::runtime::process {

Result<UniqueFd> open_namespace_of(const ProcessId& process, const std::string& kind) {
  METE_TRY(const auto alive, open_pidfd(process));
  METE_TRY(auto space, open_at(AT_FDCWD, "/proc/" + std::to_string(process.pid) + "/ns/" + kind, O_RDONLY));
  // Alive still: what was opened was not another process of that number.
  METE_CHECK(send_signal(alive, 0));
  return space;
}

}  // namespace mete::runtime::process
