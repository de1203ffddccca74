// SPDX-License-Identifier: Apache-2.0
// What is left of a deleted pod when its last process is gone: cgroups, mounts, files. As values, so that a thread can
// remove it while the agent goes on. Whoever removes it may die at any point: what is left then is found by the record,
// which goes last, or, once that is gone, by the pod's directory alone (Reconciler::adopt).
#pragma once

#include <vector>

#include "agent/pods/record/pod_paths.h"
#include "config/base/result.h"
#include "runtime/cgroup/cgroup.h"

namespace mete::agent {

struct PodRemains {
  std::vector<runtime::cgroup::Group> cgroups;  // those below others first
  PodPaths paths;
};

// For any thread. What is gone already is no error. runtime::cgroup::is_busy(): a killed process is still leaving its
// cgroup, and no file was touched. After any error a later call goes on where this one ended.
[[nodiscard]] Status remove(const PodRemains& remains);

}  // namespace mete::agent
