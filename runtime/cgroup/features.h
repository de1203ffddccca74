// SPDX-License-Identifier: Apache-2.0
// The kernel interfaces that this machine has. They are tried once: the version number of a distribution's kernel says
// little about them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime/cgroup/cgroup.h"

namespace mete::runtime::cgroup {

struct Feature {
  std::string name;  // "cgroup_kill", a word of a label's value
  bool there = false;
};

struct Features {
  std::vector<Feature> list;
  // The shortest PSI trigger window that the kernel accepts from this process: 100 ms, 500 ms or 2 s; empty: none.
  std::optional<std::chrono::milliseconds> psi_window;
};

// `group` is an existing group of mete's, not the root. Changes nothing. May start and reap one child process.
[[nodiscard]] Features probe_features(const Group& group);

}  // namespace mete::runtime::cgroup
