// SPDX-License-Identifier: Apache-2.0
#include "runtime/cgroup/memory/psi_trigger.h"

#include <unistd.h>

#include "runtime/file.h"

namespace mete::runtime::cgroup {

Result<UniqueFd> open_psi_trigger(const std::string& file, const PsiTrigger& trigger) {
  METE_TRY(UniqueFd fd, open_at(AT_FDCWD, file, O_RDWR | O_NONBLOCK));
  const std::string line = std::string(trigger.full ? "full " : "some ") + std::to_string(trigger.stall.count()) + " " +
                           std::to_string(trigger.window.count());
  // With its final zero, as the kernel's documentation has it.
  if (::write(fd.get(), line.c_str(), line.size() + 1) < 0) return fail_errno(file + ": trigger \"" + line + "\"");
  return fd;
}

}  // namespace mete::runtime::cgroup
