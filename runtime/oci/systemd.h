// SPDX-License-Identifier: Apache-2.0
// --systemd-cgroup: the container's cgroup is a scope that systemd makes and gives to us (systemd,
// docs/CGROUP_DELEGATION.md).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/limits.h"
#include "runtime/oci/dbus.h"

namespace mete::runtime::oci {

struct SystemdUnit {
  std::string slice;  // "system.slice"
  std::string name;   // "prefix-name.scope"
  // Within each hierarchy: a slice lies in those that its dashes name ("a-b.slice" in "a.slice").
  [[nodiscard]] std::string path() const;
  bool operator==(const SystemdUnit&) const = default;
};

// linux.cgroupsPath in systemd's form, "slice:prefix:name". Empty: the scope mete-oci-ID in system.slice.
[[nodiscard]] Result<SystemdUnit> parse_systemd_path(const std::string& path, const std::string& id);

// What of the limits systemd has a property for: what it would otherwise reset when it is reloaded. `v2`: of cgroup2.
[[nodiscard]] std::vector<dbus::Property> unit_properties(const cgroup::Limits& limits, bool v2);

// Makes the scope with the process in it, and returns when it is there. Clear error where no systemd runs.
[[nodiscard]] Status start_unit(const SystemdUnit& unit, pid_t pid, const cgroup::Limits& limits, bool v2);
[[nodiscard]] Status change_unit(const std::string& name, const cgroup::Limits& limits, bool v2);
// One that is gone is fine.
[[nodiscard]] Status stop_unit(const std::string& name);

}  // namespace mete::runtime::oci
