// SPDX-License-Identifier: Apache-2.0
// The parent's side: clones the child, writes its id mappings and cgroups, and waits until it has executed its command.
// Must be called by a process with one thread (mete-shim, mete-oci): the child runs on a copy of its memory.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

struct LaunchOptions {
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int start_gate = -1;  // see ChildFds
  int preserved = 0;    // descriptors from 3 on that the command inherits
  // Makes the v1 groups that the plan's `cgroup` names, while the child mounts; its v2 directory must be there before.
  // Not set: they are there. An error ends the launch.
  std::function<Status()> make_cgroups;
  // Called with the pid while the child cannot yet execute anything, and dies if we do: the place to record it.
  // An error ends the launch.
  std::function<Status(pid_t)> record;
  // Of a plan that opens a terminal: takes its other end. An error ends the launch.
  std::function<Status(UniqueFd)> terminal;
  // Of a filter with a listener: takes it (seccomp_unotify(2)) for the process of that pid. An error ends the launch.
  std::function<Status(UniqueFd, pid_t)> listener;
  // Of a plan that awaits hooks: called with the pid when all is mounted and nothing of the image has run. An error
  // ends the launch.
  std::function<Status(pid_t)> hooks;
};

struct Launched {
  pid_t pid = 0;  // as this process sees it
  UniqueFd pidfd;
  UniqueFd control;                   // with a start gate: closes at the exec, or holds a ChildReport
  std::vector<std::string> warnings;  // what was asked for and the kernel refused, where that is no reason to stop
};

// An error's code is the errno of what failed; of the command itself ENOENT and EACCES mean not found and not
// executable. Nothing of the child is left after an error. With a start gate it returns when the child waits there.
[[nodiscard]] Result<Launched> launch(const Plan& plan, const LaunchOptions& options);

// For a launch with a start gate, after it was opened: waits for the exec, or says why it failed.
[[nodiscard]] Status await_exec(const Plan& plan, const UniqueFd& control);

}  // namespace mete::runtime::process
