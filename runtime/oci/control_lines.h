// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/memory/oom_kills.h"
#include "runtime/oci/config/config.h"

namespace mete::runtime::oci {

// Completes the limits with what a new group has.
[[nodiscard]] Status complete_limits(Resources& resources, const cgroup::Hierarchies& machine);

// Writes completed limits, and lines, to a container's group. With `fresh` the caller has just made it, and removes it
// when this fails. The error of a line names the field of config.json, and the controller when this machine lacks it.
[[nodiscard]] Status set_up_resources(const cgroup::Group& group, const Resources& resources, bool fresh);

// After a launch that failed: says so in the error when the cause is a limit of memory or of tasks that is too small.
// The kernel's own errors for a process with too little do not mention the limit.
void explain_limit(const cgroup::Group& group, const cgroup::Limits& limits, Error& error);

// Explains why one more process of a container could not start, or was killed: its limits of tasks and of memory.
class RoomForOne {
 public:
  // Called before the launch. Without a cgroup of the container's own the object explains nothing.
  RoomForOne(const cgroup::Hierarchies& machine, const std::string& path);
  // After a launch that failed.
  void explain(Error& error) const;
  // Non-empty when the kernel has killed since because memory ran out: says by which limit.
  [[nodiscard]] std::string killed() const;

 private:
  std::optional<cgroup::Group> group_;
  std::optional<cgroup::OomCounters> before_;
};

// Like set_up_resources, for a group with running processes, and device rules where there are some. Settings that are
// not named stay; after a refusal the group has all its old settings. Returns the completed limits.
[[nodiscard]] Result<cgroup::Limits> change_resources(const cgroup::Group& group, const Resources& resources);

}  // namespace mete::runtime::oci
