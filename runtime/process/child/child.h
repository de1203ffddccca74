// SPDX-License-Identifier: Apache-2.0
// The child's side between clone and exec. The child has one thread and never allocates: the parent prepares every text
// before the clone. A failure is reported to the parent in one ChildReport, then the child exits.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/process/plan/setup_op.h"

namespace mete::runtime::process {

// The report that the child writes to its control socket when a step fails. When the socket closes and no report was
// written, exec succeeded.
struct ChildReport {
  std::int32_t error = 0;      // errno
  std::int32_t operation = 0;  // index into Plan::ops, or one of the values below
  char detail[240] = {};       // what the child tried, NUL-terminated
};
constexpr std::int32_t kReportIdentity = -1;  // credentials, capabilities, seccomp, rlimits
constexpr std::int32_t kReportCommand = -2;   // finding or executing the command

// Words that the parent sends over the control socket, in this order, when the plan asks for them.
constexpr char kMappingsWritten = 'm';
// The v1 "tasks" files come with this word; the child writes itself into them (cgroup_entry.h).
constexpr char kEnterCgroups = 'c';
constexpr char kHooksRan = 'h';
constexpr char kListenerTaken = 's';
constexpr char kGo = 'g';  // execute the command: the parent has finished its part
// Words that the child sends.
constexpr char kTerminal = 't';  // the other end of its terminal comes with the word
constexpr char kAtHooks = 'H';   // all mounts are made; the child waits for kHooksRan
constexpr char kListener = 'S';  // in a ChildNumber: the seccomp listener's descriptor number in the child
constexpr char kAtGate = 'r';    // all steps but the exec are done; the child waits at the start gate

struct ChildNumber {
  char word = 0;
  std::int32_t number = 0;
};

// Written by a child that shares its launcher's memory, in place of what others send over the control socket.
struct SharedReport {
  bool failed = false;
  ChildReport report;               // when it has failed
  bool reached_exec = false;        // every step but the exec is done
  bool refused_adjustment = false;  // see SharedChild::oom_score_adj
};

struct SharedChild {
  SharedReport* report = nullptr;
  std::span<const int> tasks;           // the v1 "tasks" files, in which the child enters its cgroups
  const char* oom_score_adj = nullptr;  // the child's own; null: not changed
};

struct ChildFds {
  int control = -1;  // socket to the parent: receives the words above, carries at most one ChildReport
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  int process = -1;     // pidfd for JoinProcess
  int start_gate = -1;  // when valid: a FIFO open for reading and writing; exec waits for one byte (OCI start)
  // Detached mounts that the launcher has copied for BindMount operations, in the order of these. -1: the launcher was
  // not allowed to, the child copies.
  std::span<const int> trees;
  int preserved = 0;  // number of descriptors, from 3 on, that the command inherits
  // Those of the descriptors above whose number lies above the preserved ones, in rising order. The child closes all
  // others at once.
  std::span<const int> kept;
  std::uint32_t joined = 0;  // see KindSet: namespaces that the intermediate process or the launcher has joined
  // Set: the child shares the launcher's memory, and the launcher stands still until the exec (shared_launch.h). There
  // is no control socket then.
  const SharedChild* shared = nullptr;
};

[[noreturn]] void run_child(const Plan& plan, const ChildFds& fds, char* const* args, char* const* env);

}  // namespace mete::runtime::process
