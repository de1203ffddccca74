// SPDX-License-Identifier: Apache-2.0
// The parent of one container: launches it, writes its log, and puts its exit status on disk. It outlives the agent.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "runtime/process/process_id.h"
#include "runtime/shim/log_writer.h"

namespace mete::runtime::shim {

struct ShimOptions {
  std::string directory;  // of the attempt, see attempt_files.h
  std::string log_path;
  LogLimits log_limits;
  int lock_fd = -1;   // the attempt's lock, taken by the agent; held until the end
  int ready_fd = -1;  // one byte when `started` or `exit` has been written; may be a closed pipe
  // A byte comes from the agent when the plan's cgroups are made and limited: the shim launches meanwhile. When it
  // closes without one, the attempt is given up, as if it had never been begun. -1: they are there.
  int cgroups_fd = -1;
};

// Returns the exit code of the shim itself: 0 when the container's end is on disk.
int run_shim(const ShimOptions& options);

// Launches a pod's sandbox from the plan in `directory`, writes `started` and returns: the sandbox needs no parent.
int run_sandbox(const ShimOptions& options);

struct ExecOptions {
  std::string directory;       // of the attempt: its plan says with which rights
  process::ProcessId process;  // the container's first one
  std::chrono::milliseconds timeout{};
  std::vector<std::string> command;
};
// Returns the command's exit code; 124: it took too long, 125 to 127: it did not run.
int run_exec(const ExecOptions& options);

}  // namespace mete::runtime::shim
