// SPDX-License-Identifier: Apache-2.0
// A bundle's config.json as what we launch: a pure function of its text. Fields nobody knows are ignored; what is known
// and cannot be done is an error naming the field.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/result.h"
#include "runtime/cgroup/devices.h"
#include "runtime/cgroup/limits.h"
#include "runtime/oci/hooks.h"
#include "runtime/oci/seccomp_profile.h"
#include "runtime/process/defaults.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::oci {

inline constexpr const char* kSpecVersion = "1.3.0";

// A line for a control file that cgroup::Limits has no field for.
struct ControlLine {
  std::string field;       // of config.json, for the error
  std::string controller;  // "blkio" (on v2 that is "io")
  std::string v1_file;     // empty: v1 has nothing like it
  std::string v2_file;     // empty: v2 has nothing like it
  std::string v1_text;
  std::string v2_text;
  bool operator==(const ControlLine&) const = default;
};

struct Resources {
  cgroup::Limits limits;
  std::vector<ControlLine> lines;
  std::vector<cgroup::DeviceRule> device_rules;
  // Anything asked for but device rules, which every client sends.
  [[nodiscard]] bool limits_something() const { return !(limits == cgroup::Limits{}) || !lines.empty(); }
};

// A network interface of the runtime's namespace that goes to the container (config-linux.md, netDevices).
struct NetDevice {
  std::string host_name;
  std::string name;  // in the container
  bool operator==(const NetDevice&) const = default;
};

struct Config {
  std::string version;
  process::LaunchSpec launch;  // without its cgroup join and its compiled seccomp filter
  std::string cgroups_path;    // "/...": as it is within each hierarchy (or systemd's form); empty: not said
  Resources resources;
  std::optional<SeccompProfile> seccomp;
  Hooks hooks;
  std::vector<NetDevice> net_devices;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> warnings;  // what the specification tells us to do without
};

// What the result depends on besides the text.
struct Surroundings {
  std::string bundle;                  // absolute
  process::CgroupView cgroup_view;     // for mounts of type "cgroup"
  std::uint64_t capabilities = ~0ULL;  // what we have to give: others are left out, with a warning
  bool systemd = false;                // linux.cgroupsPath is in systemd's form
  bool apparmor = false;               // the kernel has it, and it is on
};

[[nodiscard]] Result<Config> read_config(std::string_view text, const Surroundings& surroundings);

// The `process` object alone (`exec --process`). Into `launch`: args, env, cwd, identity, oom_score_adj.
[[nodiscard]] Result<Config> read_process(std::string_view text, const Surroundings& surroundings);

// The `linux.resources` object alone (`update --resources`).
[[nodiscard]] Result<Resources> read_resources(std::string_view text);

// The mount options that have a meaning for us; all others go to the file system.
[[nodiscard]] std::vector<std::string> mount_option_names();

}  // namespace mete::runtime::oci
