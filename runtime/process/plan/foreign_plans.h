// SPDX-License-Identifier: Apache-2.0
// A container that another OCI runtime makes (runc, crun), for mete-shim: the runs of the runtime's program, each a
// plan like a container's own. Beside it stands the container's own Plan, by which processes enter the container later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cgroup/devices/devices.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

struct ForeignPlans {
  // `create`, in a mount namespace with what the runtime is to see: the root, parts of volumes, a network namespace.
  // That namespace goes with the program; the container's own holds copies. The container's id is the last word.
  Plan create;
  Plan start;
  // `delete --force`, in a mount namespace without the container's cgroup: that one is kept for the next attempt, with
  // its counters, and a runtime would remove it.
  Plan remove;
  std::string name;      // of the runtime, for errors
  std::string log;       // its log, lines of JSON
  std::string pid_file;  // where `create` writes the pid of the container's first process
  std::string cgroup;    // Group::path() of the container
  // In force again after `create`, as runtimes add some of their own. Empty: nothing is written.
  std::vector<cgroup::DeviceRule> device_rules;

  template <class Archive>
  void fields(Archive& archive) {
    archive(create, start, remove, name, log, pid_file, cgroup, device_rules);
  }
  bool operator==(const ForeignPlans&) const = default;
};

}  // namespace mete::runtime::process
