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
#include "runtime/cgroup/limits.h"
#include "runtime/oci/seccomp_profile.h"
#include "runtime/process/defaults.h"
#include "runtime/process/launch_spec.h"

namespace mete::runtime::oci {

inline constexpr const char* kSpecVersion = "1.3.0";

// One line for v1's devices.allow or devices.deny.
struct DeviceRule {
  bool allow = false;
  std::string text;  // "c 1:3 rwm", or "a"
  bool operator==(const DeviceRule&) const = default;
};

struct Config {
  std::string version;
  process::LaunchSpec launch;  // without its cgroup join and its compiled seccomp filter
  std::string cgroups_path;    // "/...": as it is within each hierarchy; empty: not said
  cgroup::Limits limits;
  std::vector<DeviceRule> device_rules;
  std::optional<SeccompProfile> seccomp;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> warnings;  // what the specification tells us to do without
};

// What the result depends on besides the text.
struct Surroundings {
  std::string bundle;               // absolute
  process::CgroupView cgroup_view;  // for mounts of type "cgroup"
  std::uint64_t capabilities = ~0ULL;  // what we have to give: others are left out, with a warning
};

[[nodiscard]] Result<Config> read_config(std::string_view text, const Surroundings& surroundings);

// The `process` object alone (`exec --process`). Into `launch`: args, env, cwd, identity, oom_score_adj.
[[nodiscard]] Result<Config> read_process(std::string_view text, const Surroundings& surroundings);

// The `linux.resources` object alone (`update --resources`).
struct Resources {
  cgroup::Limits limits;
  std::vector<DeviceRule> device_rules;
};
[[nodiscard]] Result<Resources> read_resources(std::string_view text);

}  // namespace mete::runtime::oci
