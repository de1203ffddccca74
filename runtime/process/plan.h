// SPDX-License-Identifier: Apache-2.0
// From what a container shall be to the list of operations that make it so. Pure: the kernel is not asked.
#pragma once

#include "config/result.h"
#include "runtime/process/launch_spec.h"
#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

// The errors name the field that cannot be done (a relative mount destination, a sysctl outside the container's
// namespaces, no command).
[[nodiscard]] Result<Plan> make_plan(const LaunchSpec& spec);

// A pod's sandbox: new network, IPC and UTS namespaces (and PID, when shared) held by a process that only reaps.
[[nodiscard]] Plan make_sandbox_plan(const LaunchSpec& spec);

// Into the cgroups, and what of the tuning comes before and after.
void add_cgroup_entry(const Tuning& tuning, std::vector<SetupOp>& ops);

// One line an operation, for `mete-oci spec --plan`, logs and tests.
[[nodiscard]] std::string describe(const SetupOp& op);

}  // namespace mete::runtime::process
