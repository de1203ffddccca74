// SPDX-License-Identifier: Apache-2.0
// Hooks of the runtime specification (config.md, "POSIX-platform Hooks"): programs that are given the container's state
// on their standard input.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/result.h"

namespace mete::runtime::oci {

struct Hook {
  std::string path;               // absolute
  std::vector<std::string> args;  // with argv[0]; empty: the path
  std::vector<std::string> env;   // NAME=value, and nothing else
  std::optional<std::chrono::seconds> timeout;
  bool operator==(const Hook&) const = default;
};

struct Hooks {
  std::vector<Hook> prestart;          // the runtime's namespaces, all is mounted, before pivot_root
  std::vector<Hook> create_runtime;    // there too, after it
  std::vector<Hook> create_container;  // the container's namespaces, paths as before pivot_root
  std::vector<Hook> start_container;   // the container, after `start` and before its command
  std::vector<Hook> poststart;         // the runtime's namespaces
  std::vector<Hook> poststop;          // there too, after the container is deleted
  bool operator==(const Hooks&) const = default;
};

// Where a hook runs.
struct HookPlace {
  std::string bundle;  // its working directory
  pid_t inside = 0;    // joins the namespaces of this process; 0: stays in ours
};

// In their order, the next when the one before has ended well. `state` is what they are given, `point` the
// specification's name for the error, which says what the hook has written. A hook past its timeout is killed, which is
// an error.
[[nodiscard]] Status run_hooks(const std::vector<Hook>& hooks, const char* point, const std::string& state,
                               const HookPlace& place);

// startContainer: in the container, with the container's rights. `plan_bytes` is what it was launched from
// (process/wire.h).
[[nodiscard]] Status run_start_hooks(const std::vector<Hook>& hooks, const std::string& state,
                                     const std::string& plan_bytes, pid_t container);

}  // namespace mete::runtime::oci
