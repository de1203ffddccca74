// SPDX-License-Identifier: Apache-2.0
// A further process in a running container: the same namespaces, cgroups and rights as the container's own.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "config/result.h"
#include "runtime/process/setup_op.h"

namespace mete::runtime::process {

struct EnterSpec {
  pid_t pid = 0;  // the container's first process
  std::vector<std::string> args;
  std::optional<Tuning> tuning;          // empty: the container's
  std::optional<TerminalSpec> terminal;  // see OpenTerminal; TERM is set when the environment has none
};

// `container` is the plan the container was launched from: its identity, environment and working directory are taken.
// The namespaces to join are read from /proc/PID/ns; those that are also ours are left out.
[[nodiscard]] Result<Plan> make_enter_plan(const Plan& container, const EnterSpec& spec);

}  // namespace mete::runtime::process
