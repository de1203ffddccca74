// SPDX-License-Identifier: Apache-2.0
// A container that another OCI runtime makes, as data: the bundle's config.json, and the runs of the runtime's program.
// Pure. mete-shim carries it out (runtime/shim/foreign_runtime.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/cgroup/devices/devices.h"
#include "runtime/oci/config/seccomp_profile.h"
#include "runtime/oci/hooks.h"
#include "runtime/process/plan/foreign_plans.h"
#include "runtime/process/plan/launch_spec.h"

namespace mete::runtime::foreign {

struct Runtime {
  std::string name;               // the handler of the RuntimeClass
  std::string program;            // absolute path
  std::vector<std::string> args;  // before all others
};

// Where the runtime's part of an attempt is: below the attempt's directory, and gone with it.
struct Paths {
  explicit Paths(const std::string& attempt)
      : bundle(attempt + "/bundle"),
        state(attempt + "/runtime"),
        log(attempt + "/runtime.log"),
        pid(attempt + "/runtime.pid") {}
  std::string bundle;
  std::string state;  // --root
  std::string log;
  std::string pid;
};

struct Request {
  Runtime runtime;
  std::string attempt;                           // directory of the attempt
  std::string id;                                // of the container, for the runtime
  std::string cgroup;                            // Group::path()
  std::vector<std::string> hierarchies;          // mount points of all of them, v1's and cgroup2's
  std::vector<cgroup::DeviceRule> device_rules;  // all that are in force; see also ForeignPlans
  bool keep_devices = true;                      // false: the cgroup is as it was made, and everything is allowed
  std::optional<oci::SeccompProfile> seccomp;
  oci::Hooks hooks = {};
  std::uint64_t capabilities = 0;  // what the runtime's program may have
};

struct Start {
  std::string config;  // text of config.json
  process::ForeignPlans plans;
};

// `spec` as mete's own launcher would take it. The error names what of it another runtime cannot do.
[[nodiscard]] Result<Start> make_start(process::LaunchSpec spec, const Request& request);

}  // namespace mete::runtime::foreign
