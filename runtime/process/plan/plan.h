// SPDX-License-Identifier: Apache-2.0
// Turns a LaunchSpec into the list of operations that set the container up. Pure: no system call.
#pragma once

#include "config/base/result.h"
#include "runtime/process/plan/launch_spec.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

// The error names the field that cannot be carried out (a relative mount destination, a sysctl outside the container's
// namespaces, no command).
[[nodiscard]] Result<Plan> make_plan(const LaunchSpec& spec);

// A pod's sandbox: new network, IPC and UTS namespaces (and PID, when shared), held by a process that only reaps.
[[nodiscard]] Result<Plan> make_sandbox_plan(const LaunchSpec& spec);

// Appends the entry into the cgroups, with the parts of `tuning` that come before and after it.
void add_cgroup_entry(const Tuning& tuning, std::vector<SetupOp>& ops);

// One line that describes the operation, for `mete-oci spec --plan`, logs and tests.
[[nodiscard]] std::string describe(const SetupOp& op);

}  // namespace mete::runtime::process
