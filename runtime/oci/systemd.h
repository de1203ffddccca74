// SPDX-License-Identifier: Apache-2.0
// --systemd-cgroup: systemd makes the container's cgroup as a scope and delegates it to mete-oci (systemd,
// docs/CGROUP_DELEGATION.md).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/limits/limits.h"
#include "runtime/oci/dbus.h"

namespace mete::runtime::oci {

struct SystemdUnit {
  std::string slice;  // "system.slice"
  std::string name;   // "prefix-name.scope"
  // Path within each hierarchy: a slice lies in the slices that its dashes name ("a-b.slice" in "a.slice").
  [[nodiscard]] std::string path() const;
  bool operator==(const SystemdUnit&) const = default;
};

// Parses linux.cgroupsPath in systemd's form, "slice:prefix:name". Empty: the scope mete-oci-ID in system.slice.
[[nodiscard]] Result<SystemdUnit> parse_systemd_path(const std::string& path, const std::string& id);

// The limits for which systemd has a property; systemd would otherwise reset them at a reload. `v2`: for cgroup2.
[[nodiscard]] std::vector<dbus::Property> unit_properties(const cgroup::Limits& limits, bool v2);

// Makes the scope around the process and returns when the process is in it. Error: no systemd runs.
[[nodiscard]] Status start_unit(const SystemdUnit& unit, pid_t pid, const cgroup::Limits& limits, bool v2);
[[nodiscard]] Status change_unit(const std::string& name, const cgroup::Limits& limits, bool v2);
// A unit that does not exist is not an error.
[[nodiscard]] Status stop_unit(const std::string& name);

}  // namespace mete::runtime::oci
