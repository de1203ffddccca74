// SPDX-License-Identifier: Apache-2.0
// Carries out decisions. The kernel's executor acts on processes and cgroups; in dry run another executor does nothing
// and reports dry_run().
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
  // Kills one process of the group. A process that has already exited is a success.
  [[nodiscard]] virtual Status kill_process(pid_t pid, const Group& group) = 0;
  [[nodiscard]] virtual Status kill_all(const Group& group) = 0;
  [[nodiscard]] virtual Status freeze(const Group& group) = 0;
  [[nodiscard]] virtual Status thaw(const Group& group) = 0;
};

[[nodiscard]] Executor& kernel_executor();
[[nodiscard]] Executor& dry_run_executor();

}  // namespace mete::enforcers
