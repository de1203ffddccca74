// SPDX-License-Identifier: Apache-2.0
// The files of an attempt whose container another OCI runtime makes: the bundle, and the runs of the runtime's program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/pods/container/container_slot.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/oci/config/seccomp_profile.h"
#include "runtime/oci/hooks.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::agent {

// The container's name for its runtime: no other container of the machine has it.
[[nodiscard]] std::string foreign_id(const ContainerSlot& slot);

// `spec` as mete itself would launch it, before its cgroup mounts are bound. `devices`: the rules that will be in
// force; empty: the cgroup is as it was made, and all are allowed. The error: the program is not there, or the runtime
// cannot do what `spec` asks for, or a file could not be written.
[[nodiscard]] Status write_foreign_start(const ContainerSlot& slot, const std::string& cgroup,
                                         const runtime::process::LaunchSpec& spec,
                                         std::vector<runtime::cgroup::DeviceRule> devices,
                                         std::optional<runtime::oci::SeccompProfile> seccomp,
                                         runtime::oci::Hooks hooks);

}  // namespace mete::agent
