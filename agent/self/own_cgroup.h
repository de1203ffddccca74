// SPDX-License-Identifier: Apache-2.0
// The agent's own cgroup on v2, where memory can be protected from reclaim (memory.min). v1 has nothing like it.
#pragma once

#include <string>

#include "config/result.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::agent {

class OwnCgroup {
 public:
  OwnCgroup() = default;
  ~OwnCgroup();
  OwnCgroup(const OwnCgroup&) = delete;
  OwnCgroup& operator=(const OwnCgroup&) = delete;

  // A service manager gives its services cgroups of their own: that is protected. Who is in the root, as when started
  // from a boot script, moves to `path`, with the shims it starts. The error says why nothing is protected.
  [[nodiscard]] Status enter(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path);

 private:
  const runtime::cgroup::Hierarchies* hierarchies_ = nullptr;  // set: `path_` was made, and is to be left
  std::string path_;
};

}  // namespace mete::agent
