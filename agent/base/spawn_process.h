// SPDX-License-Identifier: Apache-2.0
// Starts another program from a process that may hold ten thousand descriptors.
//
// A fork copies the whole table of descriptors and an exec closes them one by one: for an agent with 1,000 containers
// that was a tenth of all its CPU time. So the child shares the table (CLONE_FILES) and then takes a copy of its low
// part alone (close_range, CLOSE_RANGE_UNSHARE), where the descriptors that it is given lie.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/read_only_program.h"
#include "config/base/result.h"
#include "runtime/fd.h"

namespace mete::agent {

// Takes the low numbers that spawn_process() gives to what a child gets. Called once, at the start of the agent, while
// they are free. Without it a child copies more of the table.
void reserve_low_descriptors();

// What the child has open: its standard streams (-1: /dev/null), then `more` as 3, 4, ... All of them stay the
// caller's.
struct ChildDescriptors {
  int input = -1;
  int output = -1;
  int errors = -1;
  std::vector<int> more = {};
};

struct SpawnedProcess {
  pid_t pid = 0;
  runtime::UniqueFd pidfd;
};

// `environment` ends with a null pointer. For the loop's thread only. Returns once the program runs; the caller reaps
// it.
[[nodiscard]] Result<SpawnedProcess> spawn_process(const std::string& program, std::vector<std::string> args,
                                                   char** environment, const ChildDescriptors& descriptors);
[[nodiscard]] Result<SpawnedProcess> spawn_process(ReadOnlyProgram& program, std::vector<std::string> args,
                                                   char** environment, const ChildDescriptors& descriptors);

// A start that a thread of its own waits for, while the loop goes on. An exec takes some 0.4 ms, and the parent's
// thread stands still until it is done (CLONE_VFORK). The next start of a process waits for this one.
class StartingProcess {
 public:
  // `environment` stays the caller's until wait().
  [[nodiscard]] static Result<StartingProcess> begin(ReadOnlyProgram& program, std::vector<std::string> args,
                                                     char** environment, const ChildDescriptors& descriptors);
  StartingProcess(StartingProcess&&) noexcept;
  StartingProcess& operator=(StartingProcess&&) = delete;
  StartingProcess(const StartingProcess&) = delete;
  StartingProcess& operator=(const StartingProcess&) = delete;
  ~StartingProcess();  // waits
  // From here on the process is waited for. The kernel lets a thread that is woken wait for the processor of the one
  // that wakes it, also where another is idle: what the thread has not begun is done here.
  void hurry();
  // As spawn_process(). Once.
  [[nodiscard]] Result<SpawnedProcess> wait();

  struct Start;

 private:
  explicit StartingProcess(std::unique_ptr<Start> start);
  std::unique_ptr<Start> start_;
};

}  // namespace mete::agent
