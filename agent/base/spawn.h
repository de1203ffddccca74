// SPDX-License-Identifier: Apache-2.0
// Starts mete-shim, and finds a shim that an earlier agent started.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/spare_descriptors.h"
#include "agent/base/spawn_process.h"
#include "config/base/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

struct SpawnedShim {
  pid_t pid = 0;
  runtime::UniqueFd pidfd;
  runtime::UniqueFd ready;  // readable (one byte, or end of file) once `started` or `exit` has been written
  // for "run": the agent writes a byte once the plan is written, and one once the cgroups are made; when it is closed
  // before, the shim exits
  runtime::UniqueFd steps;
  void tell() const;  // a byte; a shim that has ended meanwhile is noticed by its pidfd
};

struct ShimRequest {
  std::string shim;                                          // its path
  std::string mode;                                          // "run" or "sandbox"
  std::string directory;                                     // of the attempt
  runtime::UniqueFd lock;                                    // which the shim holds until it ends
  std::vector<std::string> more = {};                        // further options
  const std::vector<runtime::UniqueFd>* attached = nullptr;  // those who are attached from the first byte on
  // Namespaces that the plan joins by ShimPaths; they stay the caller's. -1: none.
  int network = -1;
  int pid = -1;
  int ipc = -1;
};
// Where a shim finds those of ShimRequest. A path through the agent's own descriptors would end with the agent.
inline constexpr const char* kShimNetwork = "/proc/self/fd/6";
struct ShimPaths {
  std::string network = {};  // empty, as the others: none is given
  std::string pid = {};
  std::string ipc = {};
};
[[nodiscard]] ShimPaths shim_paths(bool network, bool pid, bool ipc);

// Of a "sandbox", whose plan and cgroups are there already.
[[nodiscard]] Result<SpawnedShim> spawn_shim(ShimRequest request);

// A shim whose start the loop does not wait for (spawn_process.h, StartingProcess).
class StartingShim {
 public:
  [[nodiscard]] static Result<StartingShim> begin(ShimRequest request);
  // The plan of a "run" is written.
  void tell_of_plan();
  // Once.
  [[nodiscard]] Result<SpawnedShim> wait();

 private:
  StartingShim(std::unique_ptr<SpareDescriptors> spare, SpawnedShim shim, StartingProcess process)
      : spare_(std::move(spare)), shim_(std::move(shim)), process_(std::move(process)) {}
  std::unique_ptr<SpareDescriptors> spare_;  // whose limit the shim inherits
  SpawnedShim shim_;
  StartingProcess process_;
};

// `mete-shim exec`: a command inside the container that was launched from `attempt_directory`.
struct ExecRequest {
  std::string attempt_directory;
  runtime::process::ProcessId process;   // the container's first one
  std::chrono::milliseconds timeout{0};  // it is killed after this
  std::vector<std::string> command;
  int output = -1;  // a descriptor for its stdout and stderr, which stays the caller's; -1: thrown away
};
// The caller reaps it (await_child).
[[nodiscard]] Result<pid_t> spawn_exec(const std::string& shim, const ExecRequest& request);

struct Pipe {
  runtime::UniqueFd read;
  runtime::UniqueFd write;
};
[[nodiscard]] Result<Pipe> make_pipe();  // both close on exec

// `mete-shim exec` with streams: serves one attacher at `socket` (attach_protocol.h) until the command has ended.
struct ExecSessionRequest {
  std::string attempt_directory;
  runtime::process::ProcessId process;
  std::vector<std::string> command;
  std::vector<std::string> options;  // further ones of mete-shim, each with its value
};
// The caller reaps it (await_child).
[[nodiscard]] Result<pid_t> spawn_exec_session(const std::string& shim, const ExecSessionRequest& request,
                                               const runtime::UniqueFd& socket);

// Descriptors of the caller's, which stay its own.
struct StandardStreams {
  int input = -1;
  int output = -1;
  int errors = -1;  // -1: thrown away
};
// Starts this program itself with other arguments (the first is its name); the environment is the agent's. The child is
// no agent: it has an ordinary priority, and the kernel may kill it when memory runs out. The caller reaps it
// (await_child).
[[nodiscard]] Result<pid_t> spawn_self(std::vector<std::string> args, const StandardStreams& streams);

// Starts `mete-shim watchdog`, which undoes what the files in `directory` list once the agent has died, and ends when
// there are no files. The caller reaps it (await_child).
[[nodiscard]] Result<pid_t> spawn_watchdog(const std::string& shim, const std::string& directory);

// The process id that the shim of this attempt wrote into its lock file; empty when the shim has not written it yet.
[[nodiscard]] Result<std::optional<runtime::process::ProcessId>> shim_of(const std::string& lock_file);

// After a launch that failed while the shim waited for its cgroups: kills and reaps the shim; the processes it cloned
// end with it.
void give_up(SpawnedShim shim);

// Takes the wait status of a shim that is a child of this agent. A shim of an earlier agent is no child; init reaps it.
void reap(pid_t pid);

}  // namespace mete::agent
