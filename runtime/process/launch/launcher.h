// SPDX-License-Identifier: Apache-2.0
// The parent's side: clones the child, writes its id mappings and cgroups, and waits until the child has executed its
// command. The caller must have one thread (mete-shim, mete-oci): the child runs on a copy of the caller's memory.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

struct LaunchOptions {
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int start_gate = -1;  // see ChildFds
  // pidfd of the process whose namespaces a plan with JoinProcess joins, its PID namespace included. The caller has
  // opened it before it has seen the process to be the right one.
  int process = -1;
  int preserved = 0;  // number of descriptors, from 3 on, that the command inherits
  // Makes the v1 groups that the plan's `cgroup` names, while the child mounts; the v2 directory must exist before
  // launch(). Not set: the v1 groups exist already. An error ends the launch.
  std::function<Status()> make_cgroups;
  // Records the pid durably. Called while the child cannot execute anything yet and would die with the caller. An error
  // ends the launch.
  std::function<Status(pid_t)> record;
  // For a plan that opens a terminal: takes the terminal's other end. An error ends the launch.
  std::function<Status(UniqueFd)> terminal;
  // For a filter with a listener: takes the listener (seccomp_unotify(2)) of the process `pid`. An error ends the
  // launch.
  std::function<Status(UniqueFd, pid_t)> listener;
  // For a plan that awaits hooks: called with the pid when all mounts are made and nothing of the image has run. An
  // error ends the launch.
  std::function<Status(pid_t)> hooks;
};

struct Launched {
  pid_t pid = 0;  // as this process sees it
  UniqueFd pidfd;
  UniqueFd control;                   // with a start gate: closes at the exec, or holds a ChildReport
  std::vector<std::string> warnings;  // settings that the kernel refused and that do not end the launch
};

// An error's code is the errno of the failed step. For the command itself ENOENT means not found and EACCES not
// executable. After an error no process of the child is left. With a start gate launch() returns when the child waits
// at it.
[[nodiscard]] Result<Launched> launch(const Plan& plan, const LaunchOptions& options);

// Called after the start gate was opened: waits for the exec. The error says why the exec failed.
[[nodiscard]] Status await_exec(const Plan& plan, const UniqueFd& control);

}  // namespace mete::runtime::process
