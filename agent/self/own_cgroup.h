// SPDX-License-Identifier: Apache-2.0
// The agent's own cgroup on v2, where memory.min protects memory from reclaim. v1 has no such protection.
#pragma once

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::agent {

class OwnCgroup {
 public:
  OwnCgroup() = default;
  ~OwnCgroup();
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  // Protects the agent's memory. A service manager has put the agent into a cgroup of its own: that group is protected.
  // An agent in the root group (started from a boot script) moves to `path`, with the shims it starts. The error says
  // why nothing is protected.
  [[nodiscard]] Status enter(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path);

 private:
  const runtime::cgroup::Hierarchies* hierarchies_ = nullptr;  // set: `path_` was made, and the agent must leave it
  std::string path_;
};

}  // namespace mete::agent
