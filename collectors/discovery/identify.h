// SPDX-License-Identifier: Apache-2.0
// Finds the identity of a cgroup from its path and from the files that its runtime keeps. No runtime's API is called
// and nothing is configured. The container's own process leads to the runtime's files: by its mounts
// (/proc/PID/mountinfo) and by the folder of its shim.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "collectors/discovery/identity.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::collectors {

// Where files are read. A test sets `files` to a fixture tree: a prefix of every path except those below `proc`.
struct IdentityRoots {
  std::string proc = "/proc";
  std::string files;
};

class Identifier {
 public:
  explicit Identifier(IdentityRoots roots = {}) : roots_(std::move(roots)) {}

  struct Answer {
    Identity who;
    bool complete = true;  // false: the files or the first process of the container do not exist yet; ask again
    pid_t pid = 0;         // one of its processes; 0: the group has none
    std::string writable;  // directory of the container's writable layer; empty: unknown, or none
    std::uint64_t network_namespace = 0;  // inode; 0: the machine's own, or the group has no process
  };
  // Reads a handful of files. A file that cannot be read or parsed leaves its facts empty and is no error.
  [[nodiscard]] Answer identify(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) const;

 private:
  IdentityRoots roots_;
};

}  // namespace mete::collectors
