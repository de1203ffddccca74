// SPDX-License-Identifier: Apache-2.0
// A LaunchSpec as the config.json of another OCI runtime (runtime-spec, config.md and config-linux.md): the way back of
// read_config(). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/oci/config/seccomp_profile.h"
#include "runtime/oci/hooks.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::oci {

// What a LaunchSpec does not hold, or holds in a form that only mete's own launcher can use.
struct WriteContext {
  std::string cgroups_path;                      // "/mete/web/main", as Group::path()
  std::vector<cgroup::DeviceRule> device_rules;  // the limits are not the runtime's to write
  std::optional<SeccompProfile> seccomp;         // in place of Identity::seccomp_filter
  Hooks hooks = {};
};

// The root, with all that is mounted on it, is what the caller has mounted at `spec.rootfs`, and `spec.overlay` is not
// looked at. Binds have no sub_path, as the caller resolves those. The error names what of `spec` no config.json says,
// or what it says in a way that runtimes do not agree about: such a container is not to be started by another runtime.
[[nodiscard]] Result<std::string> write_config(const process::LaunchSpec& spec, const WriteContext& context);

}  // namespace mete::runtime::oci
