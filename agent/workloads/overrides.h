// SPDX-License-Identifier: Apache-2.0
// What is left of what commands have said over a manifest when it is applied again. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/workloads/workload_record.h"

namespace mete::agent {

struct AppliedAgain {
  Overrides left;
  std::vector<std::string> taken_back;  // what changes by that, a sentence each; for who applies it
};

// `manifest`: the object that is applied, JSON. A number or `paused` that it says itself is its own again, and the
// template always is.
[[nodiscard]] AppliedAgain apply_again(const Overrides& said, const std::string& manifest);

}  // namespace mete::agent
