// SPDX-License-Identifier: Apache-2.0
// Starts mete-shim, and finds a shim that an earlier agent started.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/pod_spec.h"
#include "config/result.h"
#include "runtime/fd.h"
#include "runtime/process/process_id.h"

namespace mete::agent {

struct SpawnedShim {
  pid_t pid = 0;
  runtime::UniqueFd pidfd;
  runtime::UniqueFd ready;    // readable (a byte or the end) when `started` or `exit` has been written
  runtime::UniqueFd cgroups;  // of "run": takes a byte when the cgroups are made; closed without, the shim gives up
};

// `mode` is "run" or "sandbox". The lock goes to the shim: it is held until the shim ends, whatever becomes of us.
[[nodiscard]] Result<SpawnedShim> spawn_shim(const std::string& shim, const std::string& mode,
                                             const std::string& directory, runtime::UniqueFd lock,
                                             const std::vector<std::string>& more);

// `mete-shim exec`: a command inside the container that was launched from `attempt_directory`, killed after `timeout`.
// The caller reaps it (await_child).
[[nodiscard]] Result<pid_t> spawn_exec(const std::string& shim, const std::string& attempt_directory,
                                       const runtime::process::ProcessId& process, std::chrono::milliseconds timeout,
                                       const std::vector<std::string>& command);

// `mete-shim watchdog`: undoes what the files in `directory` say, until there are none. The caller reaps it
// (await_child).
[[nodiscard]] Result<pid_t> spawn_watchdog(const std::string& shim, const std::string& directory);

// `mete http-get`: the request, made in the network namespace of the process. Exit status: 0, or the errno of what
// failed. The caller reaps it (await_child).
[[nodiscard]] Result<pid_t> spawn_http_get(const runtime::process::ProcessId& process, const config::HttpGet& get,
                                           std::chrono::nanoseconds timeout);

// The process whose id the shim of this attempt wrote into its lock file; empty when it has not got that far.
[[nodiscard]] Result<std::optional<runtime::process::ProcessId>> shim_of(const std::string& lock_file);

// Of a launch that failed while the shim waited for its cgroups: kills and reaps it; what it had cloned ends with it.
void give_up(SpawnedShim shim);

// Takes the wait status of a shim that is our child; one of an earlier agent is not, and is reaped by init.
void reap(pid_t pid);

}  // namespace mete::agent
