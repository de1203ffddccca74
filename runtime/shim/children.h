// SPDX-License-Identifier: Apache-2.0
// The children of this process, which has one thread.
#pragma once

#include <sys/types.h>

#include <vector>

namespace mete::runtime::shim {

[[nodiscard]] bool is_own_child(pid_t pid);  // also of one that has ended and was not waited for

// Empty also where the kernel does not tell them (CONFIG_PROC_CHILDREN).
[[nodiscard]] std::vector<pid_t> own_children();

// Kills them, and those that become children by that, until there are none; waits for each. What cannot end (a device
// that does not answer) is given up after 2 s.
void end_children();

// While it lives, processes below this one whose parent ends become children of this one (prctl(2),
// PR_SET_CHILD_SUBREAPER).
class Subreaper {
 public:
  Subreaper();
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
  ~Subreaper();
};

}  // namespace mete::runtime::shim
