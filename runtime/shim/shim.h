// SPDX-License-Identifier: Apache-2.0
// The parent process of one container: launches it, writes its log, and puts its exit status on disk. It outlives the
// agent.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime/process/plan/enter.h"
#include "runtime/process/plan/launch_spec.h"
#include "runtime/process/process_id.h"
#include "runtime/shim/log_writer.h"

namespace mete::runtime::shim {

// A container's standard input, where it has no terminal; with one, whether attachers may type into it.
enum class Input {
  none,  // /dev/null
  open,  // open as long as the container runs
  once,  // closed when the input of the first attacher has ended
};

struct ShimOptions {
  std::string directory;  // directory of the attempt, see attempt_files.h
  std::string log_path;   // empty: there is no log
  LogLimits log_limits;
  Input input = Input::none;
  int lock_fd = -1;   // the attempt's lock, taken by the agent; the shim holds it until it ends
  int ready_fd = -1;  // receives one byte when `started` or `exit` is written; the pipe may be closed
  // The agent starts a shim before all that the shim needs is there, and sends a byte for each of the two that follow.
  // When the pipe closes without a byte, the shim abandons the attempt without a record.
  int plan_fd = -1;  // the plan is written; -1: it was before
  int cgroups_fd =
      -1;  // the plan's cgroups are made and have their limits, while the shim launches; -1: they were before
  std::vector<int> attached_fds;  // those who are attached from the first byte on
};

// Returns the shim's own exit code: 0 when the container's exit status is on disk.
int run_shim(const ShimOptions& options);

// Launches a pod's sandbox from the plan in `directory`, writes `started` and returns: the sandbox needs no parent.
int run_sandbox(const ShimOptions& options);

struct ExecOptions {
  std::string directory;       // directory of the attempt: its plan gives the rights
  process::ProcessId process;  // the container's first process
  std::chrono::milliseconds timeout{};
  int output_fd = -1;  // for the command's stdout and stderr; -1: thrown away
  std::vector<std::string> command;
  // Of a session with streams (exec_session.cpp); -1: there is none.
  int attached_fd = -1;
  bool input = false;
  std::optional<process::TerminalSpec> terminal;
  process::EnterChanges changes;
};
// Returns the command's exit code. 124: the timeout was exceeded; 125 to 127: the command did not run.
int run_exec(const ExecOptions& options);
// The same without a timeout: the attacher at attached_fd gets what the command writes and gives what it reads. When
// the attacher is gone, the command goes on with its input closed.
int run_exec_session(const ExecOptions& options);

}  // namespace mete::runtime::shim
