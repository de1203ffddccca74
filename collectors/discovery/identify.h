// SPDX-License-Identifier: Apache-2.0
// Who a cgroup is, by its path and by the files that its runtime keeps: nobody is asked, nothing is configured. Where a
// runtime keeps its files is told by the container's own process: its mounts (/proc/PID/mountinfo) and its shim's
// folder.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "collectors/discovery/identity.h"
#include "runtime/cgroup/hierarchies.h"

namespace mete::collectors {

// Where files are looked for; a fixture tree stands in with `files` put before every path but those of proc.
struct IdentityRoots {
  std::string proc = "/proc";
  std::string files;
};

class Identifier {
 public:
  explicit Identifier(IdentityRoots roots = {}) : roots_(std::move(roots)) {}

  struct Answer {
    Identity who;
    bool complete = true;  // false: a container whose files or first process are not there yet; ask again
    pid_t pid = 0;         // one of its processes; 0: none runs in it
    std::string writable;  // directory of a container's writable layer; empty: none that is known
    std::uint64_t network_namespace = 0;  // inode of its namespace; 0: the machine's own, or nothing runs
  };
  // Reads a handful of files. What cannot be read or understood is not known; nothing here is an error.
  [[nodiscard]] Answer identify(const runtime::cgroup::Hierarchies& hierarchies, const std::string& path) const;

 private:
  IdentityRoots roots_;
};

}  // namespace mete::collectors
