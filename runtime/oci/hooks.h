// SPDX-License-Identifier: Apache-2.0
// Hooks of the runtime specification (config.md, "POSIX-platform Hooks"): programs that receive the container's state
// on standard input.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace mete::runtime::oci {

struct Hook {
  std::string path;               // absolute
  std::vector<std::string> args;  // with argv[0]; empty: the path
  // NAME=value; the hook's whole environment. Absent: the caller's; of a startContainer hook the container's.
  std::optional<std::vector<std::string>> env;
  std::optional<std::chrono::seconds> timeout;
  bool operator==(const Hook&) const = default;
};

struct Hooks {
  std::vector<Hook> prestart;          // runtime namespaces; all mounts are made; before pivot_root
  std::vector<Hook> create_runtime;    // the same, after prestart
  std::vector<Hook> create_container;  // container namespaces, paths as before pivot_root
  std::vector<Hook> start_container;   // inside the container, after `start` and before its command
  std::vector<Hook> poststart;         // runtime namespaces
  std::vector<Hook> poststop;          // runtime namespaces, after the container is deleted
  bool operator==(const Hooks&) const = default;
};

// The place in which a hook runs.
struct HookPlace {
  std::string bundle;  // its working directory
  pid_t inside = 0;    // the hook is in the namespaces of this process, its PID namespace too; 0: in the runtime's
};

// Runs the hooks in order and stops at the first failure. Each hook reads `state` from standard input. `point` is the
// specification's name of the list; the error contains it and the hook's output. A hook that exceeds its timeout is
// killed, which is an error.
[[nodiscard]] Status run_hooks(const std::vector<Hook>& hooks, const char* point, const std::string& state,
                               const HookPlace& place);

// startContainer hooks: run inside the container with its rights. `plan_bytes` is the plan that the container was
// launched from (process/wire.h).
[[nodiscard]] Status run_start_hooks(const std::vector<Hook>& hooks, const std::string& state,
                                     const std::string& plan_bytes, pid_t container);

}  // namespace mete::runtime::oci
