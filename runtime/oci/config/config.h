// SPDX-License-Identifier: Apache-2.0
// Translates a bundle's config.json (OCI runtime specification) into what mete-oci launches: a pure function of the
// text and the Surroundings. Unknown fields are ignored. A known field that cannot be carried out is an error that
// names it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/cgroup/limits/limits.h"
#include "runtime/cgroup/limits/partial_limits.h"
#include "runtime/oci/config/seccomp_profile.h"
#include "runtime/oci/hooks.h"
#include "runtime/process/plan/defaults.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::oci {

inline constexpr const char* kSpecVersion = "1.3.0";

// A line for a control file that has no field in cgroup::Limits.
struct ControlLine {
  std::string field;       // field of config.json, for the error
  std::string controller;  // "blkio" ("io" on v2)
  std::string v1_file;     // empty: v1 has no such file
  std::string v2_file;     // empty: v2 has no such file
  std::string v1_text;
  std::string v2_text;
  bool operator==(const ControlLine&) const = default;
};

struct Resources {
  cgroup::Limits limits;
  cgroup::PartialLimits partial;  // limits are complete with cgroup::completed()
  std::vector<ControlLine> lines;
  std::vector<cgroup::DeviceRule> device_rules;
  // True when anything but device rules is set; every client sends device rules.
  [[nodiscard]] bool limits_something() const {
    return !(limits == cgroup::Limits{}) || !(partial == cgroup::PartialLimits{}) || !lines.empty();
  }
};

// A network interface that moves from the runtime's namespace to the container (config-linux.md, netDevices).
struct NetDevice {
  std::string host_name;
  std::string name;  // in the container
  bool operator==(const NetDevice&) const = default;
};

struct Config {
  std::string version;
  process::LaunchSpec launch;  // its cgroup join and compiled seccomp filter are not set
  std::string cgroups_path;    // "/...": path within each hierarchy, or systemd's form; empty: not given
  Resources resources;
  std::optional<SeccompProfile> seccomp;
  Hooks hooks;
  std::vector<NetDevice> net_devices;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> warnings;  // settings that the specification says to skip with a warning
};

// The facts on which the result depends besides the text.
struct Surroundings {
  std::string bundle;                  // absolute
  process::CgroupView cgroup_view;     // for mounts of type "cgroup"
  std::uint64_t capabilities = ~0ULL;  // those that mete-oci holds: others are dropped with a warning
  bool systemd = false;                // linux.cgroupsPath is in systemd's form
  bool apparmor = false;               // AppArmor is in the kernel and enabled
};

[[nodiscard]] Result<Config> read_config(std::string_view text, const Surroundings& surroundings);

// Reads a `process` object (`exec --process`). Sets in `launch`: args, env, cwd, identity, oom_score_adj.
[[nodiscard]] Result<Config> read_process(std::string_view text, const Surroundings& surroundings);

// Reads a `linux.resources` object (`update --resources`).
[[nodiscard]] Result<Resources> read_resources(std::string_view text);

// The mount options that mete-oci handles itself; all others go to the file system.
[[nodiscard]] std::vector<std::string> mount_option_names();

}  // namespace mete::runtime::oci
