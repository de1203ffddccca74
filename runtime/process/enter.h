// SPDX-License-Identifier: Apache-2.0
// One more process in a running container, with the namespaces, cgroups and rights of the container's first process.
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
  std::optional<TerminalSpec> terminal;  // see OpenTerminal; TERM is set when the environment has no TERM
};

// `container` is the plan that the container was launched from; the new plan takes its identity, environment and
// working directory. The namespaces to join are read from /proc/PID/ns; those that the caller shares are left out.
[[nodiscard]] Result<Plan> make_enter_plan(const Plan& container, const EnterSpec& spec);

}  // namespace mete::runtime::process
