// SPDX-License-Identifier: Apache-2.0
// What of the kernel's interfaces this machine has, found by trying, once: a version says little about a distribution's
// kernel.
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
  // The shortest window in which the kernel takes a PSI trigger from us: 100 ms, 500 ms or 2 s; empty: it takes none.
  std::optional<std::chrono::milliseconds> psi_window;
};

// `group` is one of ours that exists, and is not the root. Changes nothing. May start and reap one child process.
[[nodiscard]] Features probe_features(const Group& group);

}  // namespace mete::runtime::cgroup
