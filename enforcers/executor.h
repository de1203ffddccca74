// SPDX-License-Identifier: Apache-2.0
// Who carries out what was decided: the kernel's executor, or in dry run the one that does nothing and says so.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "config/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/process/process_id.h"

namespace mete::enforcers {

using runtime::cgroup::Group;

class Executor {
 public:
  virtual ~Executor() = default;
  [[nodiscard]] virtual bool dry_run() const = 0;
  [[nodiscard]] virtual Status signal(const runtime::process::ProcessId& process, int number) = 0;
  // One process of the group. It may be gone: that is done too.
  [[nodiscard]] virtual Status kill_process(pid_t pid, const Group& group) = 0;
  [[nodiscard]] virtual Status kill_all(const Group& group) = 0;
  [[nodiscard]] virtual Status freeze(const Group& group) = 0;
  [[nodiscard]] virtual Status thaw(const Group& group) = 0;
};

[[nodiscard]] Executor& kernel_executor();
[[nodiscard]] Executor& dry_run_executor();

}  // namespace mete::enforcers
