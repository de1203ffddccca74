// SPDX-License-Identifier: Apache-2.0
// The child's side between clone and exec. Single-threaded and without allocation: every text it needs was made by the
// parent before the clone. What fails is told to the parent in one ChildReport; then the child exits.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

// What the child writes to its report pipe when it cannot go on. Nothing written and the pipe closed: exec succeeded.
struct ChildReport {
  std::int32_t error = 0;      // errno
  std::int32_t operation = 0;  // index into Plan::ops, or one of the values below
  char detail[240] = {};       // what was tried, NUL-terminated
};
constexpr std::int32_t kReportIdentity = -1;  // credentials, capabilities, seccomp, rlimits
constexpr std::int32_t kReportCommand = -2;   // finding or executing the command

// The parent's words over the control socket, in this order when the plan asks for them.
constexpr char kMappingsWritten = 'm';
constexpr char kEnterCgroups =
    'c';  // v1 "tasks" files come with it, into which the child writes itself (cgroup_entry.h)
constexpr char kHooksRan = 'h';
constexpr char kListenerTaken = 's';
constexpr char kGo = 'g';  // execute: the parent has nothing more to do
// The child's words.
constexpr char kTerminal = 't';  // the other end of its terminal comes with it
constexpr char kAtHooks = 'H';   // all is mounted, and it waits for kHooksRan
constexpr char kListener = 'S';  // in a ChildNumber: the seccomp listener's descriptor in the child
constexpr char kAtGate = 'r';    // all is done but the exec, and it waits at the start gate

struct ChildNumber {
  char word = 0;
  std::int32_t number = 0;
};

struct ChildFds {
  int control = -1;  // socket to the parent: reads the words above, writes one ChildReport
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int start_gate = -1;         // when valid: a FIFO opened for reading and writing; exec waits for one byte (OCI start)
  std::span<const int> trees;  // detached mounts of BindMount::by_launcher, in the order of the operations
  int preserved = 0;           // descriptors from 3 on that the command inherits
  std::span<const int>
      kept;  // all of the above that are above those, in rising order: everything else is closed at once
};

[[noreturn]] void run_child(const Plan& plan, const ChildFds& fds, char* const* args, char* const* env);

}  // namespace mete::runtime::process
