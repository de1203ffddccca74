// SPDX-License-Identifier: Apache-2.0
// A process that waits until its parent, a build, has ended in any way, kill -9 included, and then ends the build's
// containers and removes what it has left.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/base/result.h"
#include "runtime/cgroup/hierarchies.h"
#include "runtime/fd.h"

namespace mete::runtime::build {

class Guard {
 public:
  // The process has one thread, and has not entered a mount namespace for the build: the guard would hold its mounts.
  [[nodiscard]] static Result<Guard> start(const std::string& store, const cgroup::Hierarchies& hierarchies);
  Guard(Guard&& other) noexcept;
  Guard& operator=(Guard&&) = delete;
  ~Guard();  // the build has ended well: the guard has nothing to do

 private:
  Guard(pid_t pid, UniqueFd line) : pid_(pid), line_(std::move(line)) {}
  pid_t pid_ = 0;
  UniqueFd line_;  // a byte on it: all is well; its end: the build is gone
};

}  // namespace mete::runtime::build
